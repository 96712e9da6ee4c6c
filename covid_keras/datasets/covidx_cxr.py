"""COVIDx CXR label files, every version from 1 to 9.

A line is `patient filename class source`; versions 1 and 2 have no source. The patient id may hold
spaces, so a line is taken apart from the right (github.com/lindawangg/COVID-Net, labels/).
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from covid_keras.datasets.card import Card
from covid_keras.datasets.label_files import (
    BadLine,
    Report,
    find_file,
    has_image_suffix,
    image_folder,
    join,
    make_table,
    no_rows,
    parse_lines,
)


def read(card: Card, root: Path, splits: Sequence[str], report: Report) -> pd.DataFrame:
    """Records, with origin, of the splits; bad lines and missing label files are reported."""
    return join(_read_split(card, root, split, report) for split in splits)


def _read_split(card: Card, root: Path, split: str, report: Report) -> pd.DataFrame:
    wanted = card.label_files[0].format(split=split)
    path = find_file(root, [wanted, f"labels/{wanted}"])
    if path is None:
        report(f"{root / wanted}: label file not found")
        return no_rows()
    rows = parse_lines(path, lambda line: _parse(line, card.classes), report)
    if not rows:
        report(f"{path}: expected at least one image. Received: none")
        return no_rows()
    lines, patients, names, labels, sources = zip(*rows, strict=True)
    folder = image_folder(root, (split, f"data/{split}"), names[0])
    prefix = f"{folder}/" if folder else ""
    return make_table(
        [prefix + name for name in names],
        labels,
        patient=patients,
        source=sources,
        split=split,
        file=str(path),
        line=lines,
    )


def _parse(line: str, classes: Sequence[str]) -> tuple[str, str, str, str]:
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
    return patient, name, label, source
