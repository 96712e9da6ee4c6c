"""COVIDx CXR, label sets 1 to 9B: cards and label files.

A line is `patient filename class source`; label sets 1 and 2 have no source. The patient id may
hold spaces, so a line is split from the right (github.com/lindawangg/COVID-Net, labels/).
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from covid_keras.datasets.card import Card, Download
from covid_keras.datasets.label_files import (
    BadLine,
    OnProblem,
    Row,
    has_image_suffix,
    read_list,
)

_LABELS = "https://raw.githubusercontent.com/lindawangg/COVID-Net/master/labels"
_THREE = ("normal", "pneumonia", "COVID-19")
_TWO = ("negative", "positive")
# label set: (classes, train images, train patients, test images, test patients), as published
_PUBLISHED = {
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
_NOTES = {
    "6": " Patient ANON191 is in train and in test.",
    "7b": " Patient ANON191 is in train and in test.",
    "8b": " Known as COVIDx CXR-2. In test every positive is from ricord and every negative from"
    " rsna: the source label alone predicts all 400 test images correctly. Ten training patients"
    " have both labels.",
}
_HASHES = {
    "train_COVIDx7B.txt": "28615c55a1e80bb45ebfc1f1802f86a27dfb3a6f8a0962e332dad284a0fb3d69",
    "test_COVIDx7B.txt": "7b25b3600abb91c214de77e099b380d3c4ec4260dc0c1ad368f71d7b2572c070",
    "train_COVIDx8B.txt": "1d267c5dd2dfbd9fa99f407a8e7e1f4103cf8b594b1f66f2e95fb43cf9c57a2e",
    "test_COVIDx8B.txt": "7c92ae0bef49652005e1541a1f2b774e313be4431a891cb0aa5539d37ca2a71e",
}


def read(card: Card, root: Path, splits: Sequence[str], on_problem: OnProblem) -> list[Row]:
    """Read the label files of the splits."""
    rows = []
    for split in splits:
        name = card.label_files[0].format(split=split)
        parse = partial(_parse, classes=card.classes, split=split)
        folders = (split, f"data/{split}")
        rows += read_list(root, (name, f"labels/{name}"), parse, folders, on_problem)
    return rows


def _parse(line: str, classes: Sequence[str], split: str) -> Row:
    with_source = line.rsplit(maxsplit=3)
    without = line.rsplit(maxsplit=2)
    if len(without) == 3 and without[-1] in classes:
        patient, name, label, source = *without, ""
    elif len(with_source) == 4 and with_source[-2] in classes:
        patient, name, label, source = with_source
    else:
        raise BadLine(
            f"expected: patient filename class source, class one of {', '.join(classes)}."
            f" Received: {line}"
        )
    if not has_image_suffix(name):
        raise BadLine(f"expected an image file name before the class. Received: {name}")
    return Row(name, label, patient, split, source)


def _card(version: str) -> Card:
    classes, train, train_patients, test, test_patients = _PUBLISHED[version]
    pattern = f"{{split}}_COVIDx{'' if version == '1' else version.upper()}.txt"
    train_file, test_file = (pattern.format(split=split) for split in ("train", "test"))
    on_kaggle = version[0] in "89"
    by_hand = (
        "The images are not published in one place: docs/COVIDx.md of the homepage lists the"
        " sources and the notebooks that put them into train/ and test/; the label files are"
        f" {train_file} and {test_file} of its repository."
    )
    return Card(
        name=f"covidx-cxr-{version}",
        title=f"COVIDx CXR, label set {version.upper()}"
        + (" (COVIDx CXR-2)" if version == "8b" else ""),
        modality="xray",
        classes=classes,
        read=read,
        split="official",
        splits=("train", "test"),
        has_patients=True,
        images={"train": train, "test": test} if train else {},
        patients={"train": train_patients, "test": test_patients} if train else {},
        labelled_by="the source datasets",
        licence="by source; not stated for the dataset",
        homepage="https://github.com/lindawangg/COVID-Net",
        citation="Wang, Lin, Wong: COVID-Net. Sci. Rep. 10:19549, 2020",
        notes="No published val split. The published numbers of patients are sums over classes."
        + _NOTES.get(version, ""),
        label_files=(pattern,),
        downloads=tuple(
            Download(file, f"{_LABELS}/{file}", _HASHES[file])
            for file in (train_file, test_file)
            if file in _HASHES
        ),
        kaggle="andyczhao/covidx-cxr2" if on_kaggle else "",
        instruction="" if on_kaggle else by_hand,
    )


CARDS = tuple(_card(version) for version in _PUBLISHED)
