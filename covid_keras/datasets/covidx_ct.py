"""COVIDx CT, versions 1 to 3B: label files; the CT phantom has the same.

A line is `filename class xmin ymin xmax ymax`; class 0 is Normal, 1 Pneumonia, 2 COVID-19; the
maxima are exclusive. The file name holds the patient id and the source, in a form of each source's
own (dataset_construction/ of github.com/haydengunraj/COVIDNet-CT).
"""

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from covid_keras.datasets.card import Card
from covid_keras.datasets.label_files import BadLine, OnProblem, Row, parse_box, read_list

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


def read(card: Card, root: Path, splits: Sequence[str], on_problem: OnProblem) -> list[Row]:
    """Read the label files of the splits."""
    folders = ("", "labels/", f"splits/v{card.name.rpartition('-')[2][0]}/")
    rows = []
    for split in splits:
        names = [pattern.format(split=split) for pattern in card.label_files]
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
    example = "NCP_1_2_0003.png"
    raise BadLine(f"expected a file name of a COVIDx CT source, as {example}. Received: {filename}")


def _parse(line: str, classes: Sequence[str], split: str) -> Row:
    fields = line.split()
    if len(fields) != 6:
        received = f"Received {len(fields)}: {line}"
        raise BadLine(f"expected 6 fields: filename class xmin ymin xmax ymax. {received}")
    name, number, *corners = fields
    if number not in map(str, range(len(classes))):
        known = ", ".join(f"{i} {label}" for i, label in enumerate(classes))
        raise BadLine(f"expected a class number ({known}). Received: {number}")
    patient, source = patient_and_source(name)
    return Row(name, classes[int(number)], patient, split, source, parse_box(corners))
