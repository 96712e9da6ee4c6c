"""The data sets that this package knows by name.

Counts, label rules and licences are those of the data sets' own documentation
(on GitHub: haydengunraj/COVIDNet-CT, lindawangg/COVID-Net, UCSD-AI4H/COVID-CT) or counted from
their label files; what is not documented stays "not stated".
"""

import dataclasses

from covid_keras.datasets.card import Card, Download
from covid_keras.utils.errors import InputError
from covid_keras.utils.text import near_misses

_CT_LABELS = "https://raw.githubusercontent.com/haydengunraj/COVIDNet-CT/master/splits"
_CXR_LABELS = "https://raw.githubusercontent.com/lindawangg/COVID-Net/master/labels"


def names() -> list[str]:
    """All data set names, in the order of the catalogue."""
    return list(_CARDS)


def get(name: str) -> Card:
    """The card of a data set. Raises InputError, naming the near misses, where there is none."""
    if name not in _CARDS:
        raise InputError(f"data set {name}: unknown; {near_misses(name, _CARDS)}")
    return _CARDS[name]


def _covidx_ct() -> list[Card]:
    base = Card(
        name="",
        title="",
        modality="ct",
        classes=("Normal", "Pneumonia", "COVID-19"),
        reader="covidx_ct",
        split="official",
        splits=("train", "val", "test"),
        has_patients=True,
        licence="by source: CC BY 3.0 CN, CC BY 3.0, CC BY 4.0, CC BY-NC 4.0, CC BY-NC-SA 3.0 and"
        " 4.0 and others; see docs/licenses_acknowledgements.md of the homepage",
        homepage="https://github.com/haydengunraj/COVIDNet-CT",
        citation="Gunraj, Sabri, Koff, Wong: COVID-Net CT-2. Front. Med. 8:729287, 2022",
        labelled_by="radiologists (all of val and test); in train also non-radiologists and, for"
        " many patients, slices picked by an earlier COVID-Net CT network",
        instruction="This variant is not on Kaggle: build it with create_COVIDx_CT.ipynb of the"
        " homepage, which lists the sources to download.",
    )
    pairs = (
        "All Pneumonia slices of val and test come from one source (CNCB). TCIA ids that end in _0"
        " and _1 are kept as the authors' metadata lists them: as two patients."
    )
    return [
        dataclasses.replace(
            base,
            name="covidx-ct-1",
            title="COVIDx CT-1",
            images={
                "train": (27201, 22061, 12520),
                "val": (9107, 7400, 4529),
                "test": (9450, 7395, 4346),
            },
            patients={"train": 864, "val": 332, "test": 293},
            labelled_by="CNCB's radiologists",
            licence="CC BY 3.0 CN (CNCB)",
            citation="Gunraj, Wang, Wong: COVIDNet-CT. Front. Med. 7:608525, 2020",
            notes="One source: CNCB (China).",
            label_files=("{split}_COVIDx_CT-1.txt",),
            image_folders=("COVIDx_CT-1", "COVIDx-CT", "images"),
            downloads=(
                _ct_labels(
                    "v1/train_COVIDx_CT-1.txt",
                    "28ff488ad0c6f0d8d1d9fa329122641bdb574d5fc325268f91da2511c65c1f59",
                ),
                _ct_labels(
                    "v1/val_COVIDx_CT-1.txt",
                    "4d237c049a17c0bc0aa49e24dfc98fb46d4e74acab36cdf197e92ec352b54537",
                ),
                _ct_labels(
                    "v1/test_COVIDx_CT-1.txt",
                    "862ed108da3012643642bdf9df9e79d04e1b18c97eadfa23a1affebed5242093",
                ),
            ),
            kaggle="hgunraj/covidxct/versions/1",
        ),
        dataclasses.replace(
            base,
            name="covidx-ct-2a",
            title="COVIDx CT-2A",
            images={
                "train": (35996, 25496, 82286),
                "val": (11842, 7400, 6244),
                "test": (12245, 7395, 6018),
            },
            patients={"train": 2837, "val": 482, "test": 426},
            notes=pairs,
            label_files=("{split}_COVIDx_CT-2A.txt",),
            image_folders=("2A_images", "COVIDx_CT-2A", "images"),
            downloads=(
                _ct_labels(
                    "v2/val_COVIDx_CT-2A.txt",
                    "7463eebc74f5d24729f9ca37f8629fabc4156f83e61159e89c8fd79e7a5595ef",
                ),
                _ct_labels(
                    "v2/test_COVIDx_CT-2A.txt",
                    "83b38aed8ec7b6430f6840ebfa2ba44452d1712ef29798ae5a464935a8942a6d",
                ),
            ),
            kaggle="hgunraj/covidxct/versions/4",
        ),
        dataclasses.replace(
            base,
            name="covidx-ct-2b",
            title="COVIDx CT-2B: 2A and, in train only, unverified cases",
            images={
                "train": (35996, 25496, 88467),
                "val": (11842, 7400, 6244),
                "test": (12245, 7395, 6018),
            },
            patients={"train": 3593, "val": 482, "test": 426},
            notes="val and test are those of 2A, whose label files are used. " + pairs,
            label_files=("{split}_COVIDx_CT-2B.txt", "{split}_COVIDx_CT-2A.txt"),
            image_folders=("2B_images", "COVIDx_CT-2B", "images"),
        ),
        dataclasses.replace(
            base,
            name="covidx-ct-3a",
            title="COVIDx CT-3A",
            images={
                "train": (35996, 26970, 294552),
                "val": (17570, 8008, 8147),
                "test": (17922, 7965, 7894),
            },
            patients={"train": 4249, "val": 560, "test": 503},
            citation="Tuinstra, Gunraj, Wong: COVIDx CT-3. arXiv, June 2022",
            notes="TCIA ids that end in _0 and _1 are kept as listed: as two patients.",
            label_files=("{split}_COVIDx_CT-3A.txt",),
            image_folders=("3A_images", "COVIDx_CT-3A", "images"),
            kaggle="hgunraj/covidxct",
        ),
        dataclasses.replace(
            base,
            name="covidx-ct-3b",
            title="COVIDx CT-3B: 3A and, in train only, unverified cases",
            images={
                "train": (35996, 26970, 300733),
                "val": (17570, 8008, 8147),
                "test": (17922, 7965, 7894),
            },
            patients={"train": 5005, "val": 560, "test": 503},
            citation="Tuinstra, Gunraj, Wong: COVIDx CT-3. arXiv, June 2022",
            notes="val and test are those of 3A, whose label files are used. TCIA ids that end in"
            " _0 and _1 are kept as listed: as two patients.",
            label_files=("{split}_COVIDx_CT-3B.txt", "{split}_COVIDx_CT-3A.txt"),
            image_folders=("3B_images", "COVIDx_CT-3B", "images"),
        ),
    ]


def _ct_labels(path: str, sha256: str) -> Download:
    return Download(path.rpartition("/")[2], f"{_CT_LABELS}/{path}", sha256)


_THREE = ("normal", "pneumonia", "COVID-19")
_TWO = ("negative", "positive")
# version: (classes, train images, train patients, test images, test patients), as published
_CXR_VERSIONS = {
    "1": (_THREE, (7966, 8514, 66), 13443, (100, 100, 10), 203),
    "2": (_THREE, (7966, 5451, 152), 13513, (100, 100, 31), 212),
    "3": (_THREE, (), 0, (), 0),
    "4": (_THREE, (7966, 5459, 473), 13730, (100, 100, 100), 272),
    "5": (_THREE, (7966, 5475, 517), 13770, (100, 100, 100), 272),
    "6": (_TWO, (13794, 517), 14024, (100, 100), 174),
    "7a": (_THREE, (7966, 5475, 1670), 14923, (100, 100, 100), 272),
    "7b": (_TWO, (13794, 1670), 15177, (100, 100), 174),
    "8a": (_THREE, (7966, 5475, 2158), 14745, (100, 100, 200), 378),
    "8b": (_TWO, (13794, 2158), 14979, (200, 200), 378),
    "9a": (_THREE, (8085, 5555, 16490), 16424, (100, 100, 200), 378),
    "9b": (_TWO, (13992, 16490), 16648, (200, 200), 378),
}
_CXR_NOTES = {
    "6": " Patient ANON191 is in train and in test.",
    "7b": " Patient ANON191 is in train and in test.",
    "8b": " Known as COVIDx CXR-2. In test every positive is from ricord and every negative from"
    " rsna: a rule that reads only the source scores 400 of 400. Ten training patients carry both"
    " labels.",
}
_CXR_HASHES = {
    "train_COVIDx7B.txt": "28615c55a1e80bb45ebfc1f1802f86a27dfb3a6f8a0962e332dad284a0fb3d69",
    "test_COVIDx7B.txt": "7b25b3600abb91c214de77e099b380d3c4ec4260dc0c1ad368f71d7b2572c070",
    "train_COVIDx8B.txt": "1d267c5dd2dfbd9fa99f407a8e7e1f4103cf8b594b1f66f2e95fb43cf9c57a2e",
    "test_COVIDx8B.txt": "7c92ae0bef49652005e1541a1f2b774e313be4431a891cb0aa5539d37ca2a71e",
}


def _covidx_cxr() -> list[Card]:
    cards = []
    for version, (classes, train, train_patients, test, test_patients) in _CXR_VERSIONS.items():
        suffix = "" if version == "1" else version.upper()
        files = [f"{split}_COVIDx{suffix}.txt" for split in ("train", "test")]
        on_kaggle = version[0] in "89"
        cards.append(
            Card(
                name=f"covidx-cxr-{version}",
                title=f"COVIDx CXR, label set {version.upper()}"
                + (" (COVIDx CXR-2)" if version == "8b" else ""),
                modality="xray",
                classes=classes,
                reader="covidx_cxr",
                split="official",
                splits=("train", "test"),
                has_patients=True,
                images={"train": train, "test": test} if train else {},
                patients={"train": train_patients, "test": test_patients} if train else {},
                labelled_by="the source data sets",
                licence="not stated for the whole; by source",
                homepage="https://github.com/lindawangg/COVID-Net",
                citation="Wang, Lin, Wong: COVID-Net. Sci. Rep. 10:19549, 2020",
                notes="No published validation split. The published numbers of patients are sums"
                " over classes." + _CXR_NOTES.get(version, ""),
                label_files=(f"{{split}}_COVIDx{suffix}.txt",),
                downloads=tuple(
                    Download(file, f"{_CXR_LABELS}/{file}", _CXR_HASHES[file])
                    for file in files
                    if file in _CXR_HASHES
                ),
                kaggle="andyczhao/covidx-cxr2" if on_kaggle else "",
                instruction=""
                if on_kaggle
                else "The images are not published in one place: docs/COVIDx.md of the homepage"
                " lists the sources and the notebooks that put them into train/ and test/; the"
                f" label files are {files[0]} and {files[1]} of its repository.",
            )
        )
    return cards


def _others() -> list[Card]:
    return [
        Card(
            name="covid19-ct",
            title="COVID19-CT (COVID-CT): slices from papers",
            modality="ct",
            classes=("NonCOVID", "COVID"),
            reader="covid19_ct",
            split="official",
            splits=("train", "val", "test"),
            has_patients=True,
            images={"train": (234, 191), "val": (58, 60), "test": (105, 98)},
            patients={"train": 233, "val": 56, "test": 95},
            labelled_by="figure captions of the papers that the slices were taken from",
            licence="not stated; copyright is with the papers' authors and publishers",
            homepage="https://github.com/UCSD-AI4H/COVID-CT",
            citation="Zhao, Zhang, He, Xie: COVID-CT-Dataset. arXiv 2003.13865, 2020",
            notes="PNG and JPEG of every mode and size, correlated with the class; some images"
            " carry drawn circles or arrows.",
            instruction="git clone https://github.com/UCSD-AI4H/COVID-CT, then unzip CT_COVID.zip"
            " and CT_NonCOVID.zip inside its folder Images-processed; the clone is the root.",
        ),
        Card(
            name="sars-cov-2-ct",
            title="SARS-CoV-2 CT-scan dataset",
            modality="ct",
            classes=("non-COVID", "COVID"),
            reader="folder",
            split="holdout",
            images={"": (1229, 1252)},
            licence="CC BY-NC-SA 4.0, as stated by third parties",
            homepage="https://www.kaggle.com/plameneduardo/sarscov2-ctscan-dataset",
            citation="Soares, Angelov, Biaso, Froes, Abe: SARS-CoV-2 CT-scan dataset. medRxiv"
            " 2020.04.24.20078584, 2020",
            notes="Hospitals in Sao Paulo. No patient ids: every split is image-level. The paper"
            " counts 1230 non-COVID slices, the public copy holds 1229; two pairs of COVID slices"
            " are duplicates (128 = 129, 134 = 135).",
            kaggle="plameneduardo/sarscov2-ctscan-dataset",
        ),
        Card(
            name="xray-3class",
            title="X-rays in three class folders (DarkCovidNet's layout)",
            modality="xray",
            classes=("No_findings", "Pneumonia", "Covid-19"),
            reader="folder",
            split="holdout",
            labelled_by="the source data sets",
            homepage="https://github.com/muhammedtalo/COVID-19",
            citation="Ozturk et al.: Automated detection of COVID-19 cases using deep neural"
            " networks with X-ray images. Comput. Biol. Med. 121:103792, 2020",
            notes="Covid-19 and the other two classes come from different sources, with different"
            " image sizes. Patient ids are read from manifest.csv (columns path, patient_id) where"
            " that file is present.",
            instruction="git clone https://github.com/muhammedtalo/COVID-19; the root is its folder"
            " 'X-Ray Image DataSet'.",
        ),
        Card(
            name="folder",
            title="Your own images: class folders, or a CSV",
            modality="any",
            classes=(),
            reader="folder",
            split="holdout",
            labelled_by="you",
            licence="yours",
            citation="none",
            notes="A folder for each class, or train/, val/ and test/ with class folders inside; or"
            " a CSV, labels.csv in the root or named itself, with the columns image and label and"
            " optionally patient, split, source, x0, y0, x1, y1.",
            instruction="These are your own images: there is nothing to fetch.",
        ),
        Card(
            name="phantom-ct",
            title="Synthetic chest CT slices made by this package",
            modality="ct",
            classes=("Normal", "Pneumonia", "COVID-19"),
            reader="covidx_ct",
            split="official",
            splits=("train", "val", "test"),
            has_patients=True,
            labelled_by="construction",
            licence="that of this package",
            citation="none",
            notes="Not patients: for trying the software out, never for a claim about medicine.",
            label_files=("{split}_phantom-ct.txt",),
            image_folders=("images",),
            instruction="Made, not fetched: covid-keras data phantom --out DIR",
        ),
        Card(
            name="phantom-xray",
            title="Synthetic chest X-rays made by this package",
            modality="xray",
            classes=("No_findings", "Pneumonia", "Covid-19"),
            reader="folder",
            split="official",
            splits=("train", "val", "test"),
            has_patients=True,
            labelled_by="construction",
            licence="that of this package",
            citation="none",
            notes="Not patients: for trying the software out, never for a claim about medicine.",
            label_files=("labels.csv",),
            instruction="Made, not fetched: covid-keras data phantom --kind xray --out DIR",
        ),
    ]


_CARDS = {card.name: card for card in [*_covidx_ct(), *_covidx_cxr(), *_others()]}
