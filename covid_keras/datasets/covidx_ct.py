"""COVIDx CT, versions 1 to 3B: cards and label files; the CT phantom has the same files.

A line is `filename class xmin ymin xmax ymax`; class 0 is Normal, 1 Pneumonia, 2 COVID-19; the
maxima are exclusive. The file name holds the patient id and the source, in a form of each source's
own (dataset_construction/ of github.com/haydengunraj/COVIDNet-CT).
"""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from covid_keras.datasets.card import Card, Download
from covid_keras.datasets.label_files import (
    SPLITS,
    BadLine,
    OnProblem,
    Row,
    parse_box,
    read_list,
)

_SOURCES = {
    "CNCB": r"((?:NCP|CP|Normal)_\d+)_\d+_\d+",
    "COVID-CTset": r"\w*?_(patient\d+)_SR_\d+_IM\d+",
    "TCIA": r"(volume-covid19-A-\d+(?:_\d+)?)(?:_ct)?-\d+",
    "LIDC-IDRI": r"(LIDC-IDRI-\d+)-[\d.]+-\d+",
    "COVID-19-CT-Seg": r"(coronacases_\d+|radiopaedia_\d+_\d+)(?:_\d+)?-\d+",
    "radiopaedia.org": r"(radiopaedia-\d+)-\d+-\d+-\d+",
    "MosMedData": r"(study_\d+)-\d+",
    "iCTCF": r"(HUST-Patient\d+)-\d+",
    "STOIC": r"(STOIC-\d+)-\d+",
    "COVID-CT-MD": r"(COVIDCTMD-[A-Za-z]+\d+)-\w+",
    "Stony Brook": r"(A\d+)-.+-\d+",
    "phantomA": r"(phantomA-\d+)_\d+",
    "phantomB": r"(phantomB-\d+)_\d+",
}
_PATTERNS = [(source, re.compile(form + r"\.png")) for source, form in _SOURCES.items()]


_LABELS = "https://raw.githubusercontent.com/haydengunraj/COVIDNet-CT/master/splits"
_TCIA = "TCIA ids that end in _0 and _1 count as two patients, as in the authors' metadata."
_TEST_2 = "All Pneumonia slices of val and test come from one source (CNCB). " + _TCIA
_IMAGES_1 = {
    "train": (27201, 22061, 12520),
    "val": (9107, 7400, 4529),
    "test": (9450, 7395, 4346),
}
_IMAGES_2 = {
    "train": (35996, 25496, 82286),
    "val": (11842, 7400, 6244),
    "test": (12245, 7395, 6018),
}
_IMAGES_3 = {
    "train": (35996, 26970, 294552),
    "val": (17570, 8008, 8147),
    "test": (17922, 7965, 7894),
}
_HASHES_1 = {
    "train": "28ff488ad0c6f0d8d1d9fa329122641bdb574d5fc325268f91da2511c65c1f59",
    "val": "4d237c049a17c0bc0aa49e24dfc98fb46d4e74acab36cdf197e92ec352b54537",
    "test": "862ed108da3012643642bdf9df9e79d04e1b18c97eadfa23a1affebed5242093",
}
_HASHES_2A = {
    "val": "7463eebc74f5d24729f9ca37f8629fabc4156f83e61159e89c8fd79e7a5595ef",
    "test": "83b38aed8ec7b6430f6840ebfa2ba44452d1712ef29798ae5a464935a8942a6d",
}
_CT_2 = "Gunraj, Sabri, Koff, Wong: COVID-Net CT-2. Front. Med. 8:729287, 2022"
_CT_3 = "Tuinstra, Gunraj, Wong: COVIDx CT-3. arXiv, June 2022"


def read(card: Card, root: Path, splits: Sequence[str], on_problem: OnProblem) -> list[Row]:
    """Read the label files of the splits."""
    version = card.name.rpartition("-")[2][0]
    rows = []
    for split in splits:
        names = [pattern.format(split=split) for pattern in card.label_files]
        folders = ("", "labels/", f"splits/v{version}/")
        places = [folder + name for name in names for folder in folders]
        parse = partial(_parse, classes=card.classes, split=split)
        rows += read_list(root, places, parse, card.image_folders, on_problem)
    return rows


def patient_and_source(filename: str) -> tuple[str, str]:
    """Return the patient id and the source: ("NCP_341", "CNCB") of "NCP_341_1834_0022.png".

    Raises:
        BadLine: the name is of no source of COVIDx CT.
    """
    for source, pattern in _PATTERNS:
        if match := pattern.fullmatch(filename):
            return match[1], source
    raise BadLine(
        f"expected a file name of a COVIDx CT source, as NCP_1_2_0003.png. Received: {filename}"
    )


def _parse(line: str, classes: Sequence[str], split: str) -> Row:
    fields = line.split()
    if len(fields) != 6:
        raise BadLine(
            f"expected 6 fields: filename class xmin ymin xmax ymax. Received {len(fields)}: {line}"
        )
    name, number, *corners = fields
    if number not in map(str, range(len(classes))):
        known = ", ".join(f"{i} {label}" for i, label in enumerate(classes))
        raise BadLine(f"expected a class number ({known}). Received: {number}")
    patient, source = patient_and_source(name)
    return Row(name, classes[int(number)], patient, split, source, parse_box(corners))


def _label_files(version: str, hashes: Mapping[str, str]) -> tuple[Download, ...]:
    names = {split: f"{split}_COVIDx_CT-{version}.txt" for split in hashes}
    return tuple(
        Download(name, f"{_LABELS}/v{version[0]}/{name}", hashes[split])
        for split, name in names.items()
    )


def _card(version: str, title: str = "", **facts) -> Card:
    """Return the card of one version; `facts` are what differs between versions."""
    usual = {
        "licence": "by source: CC BY 3.0 CN, CC BY 3.0, CC BY 4.0, CC BY-NC 4.0, CC BY-NC-SA 3.0"
        " and 4.0 and others; see docs/licenses_acknowledgements.md of the homepage",
        "citation": _CT_2,
        "labelled_by": "radiologists (all of val and test); in train also non-radiologists and, for"
        " many patients, slices picked by an earlier COVID-Net CT network",
        "label_files": (f"{{split}}_COVIDx_CT-{version}.txt",),
        "image_folders": (f"{version}_images", f"COVIDx_CT-{version}", "images"),
    }
    return Card(
        name=f"covidx-ct-{version.lower()}",
        title=f"COVIDx CT-{version}{title}",
        modality="ct",
        classes=("Normal", "Pneumonia", "COVID-19"),
        read=read,
        split="official",
        splits=SPLITS,
        has_patients=True,
        homepage="https://github.com/haydengunraj/COVIDNet-CT",
        patient_table=("covidx_ct_metadata.csv", "metadata.csv"),
        instruction="This version is not on Kaggle: build it with create_COVIDx_CT.ipynb of the"
        " homepage, which lists the sources to download.",
        **usual | facts,
    )


CARDS = (
    _card(
        "1",
        images=_IMAGES_1,
        patients={"train": 864, "val": 332, "test": 293},
        labelled_by="CNCB's radiologists",
        licence="CC BY 3.0 CN (CNCB)",
        citation="Gunraj, Wang, Wong: COVIDNet-CT. Front. Med. 7:608525, 2020",
        notes="One source: CNCB (China).",
        image_folders=("COVIDx_CT-1", "COVIDx-CT", "images"),
        downloads=_label_files("1", _HASHES_1),
        kaggle="hgunraj/covidxct/versions/1",
    ),
    _card(
        "2A",
        images=_IMAGES_2,
        patients={"train": 2837, "val": 482, "test": 426},
        notes=_TEST_2,
        downloads=_label_files("2A", _HASHES_2A),
        kaggle="hgunraj/covidxct/versions/4",
    ),
    _card(
        "2B",
        ": 2A and, in train only, unverified cases",
        images=_IMAGES_2 | {"train": (35996, 25496, 88467)},
        patients={"train": 3593, "val": 482, "test": 426},
        notes="val and test are those of 2A, whose label files are used. " + _TEST_2,
        label_files=("{split}_COVIDx_CT-2B.txt", "{split}_COVIDx_CT-2A.txt"),
    ),
    _card(
        "3A",
        images=_IMAGES_3,
        patients={"train": 4249, "val": 560, "test": 503},
        citation=_CT_3,
        notes=_TCIA,
        kaggle="hgunraj/covidxct",
    ),
    _card(
        "3B",
        ": 3A and, in train only, unverified cases",
        images=_IMAGES_3 | {"train": (35996, 26970, 300733)},
        patients={"train": 5005, "val": 560, "test": 503},
        citation=_CT_3,
        notes="val and test are those of 3A, whose label files are used. " + _TCIA,
        label_files=("{split}_COVIDx_CT-3B.txt", "{split}_COVIDx_CT-3A.txt"),
    ),
)
