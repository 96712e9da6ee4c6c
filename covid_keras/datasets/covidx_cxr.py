"""COVIDx CXR, label sets 1 to 9B: label files.

A line is `patient filename class source`; label sets 1 and 2 have no source. The patient id may
hold spaces, so a line is split from the right (github.com/lindawangg/COVID-Net, labels/).
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from covid_keras.datasets.card import Card
from covid_keras.datasets.label_files import BadLine, OnProblem, Row, read_list
from covid_keras.images.formats import IMAGE_SUFFIXES


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
    if not name.lower().endswith(IMAGE_SUFFIXES):
        raise BadLine(f"expected an image file name before the class. Received: {name}")
    return Row(name, label, patient, split, source)
