"""COVIDx CT label files, all versions, and the phantom's, which have the same layout.

A line is `filename class xmin ymin xmax ymax`, class 0 Normal, 1 Pneumonia, 2 COVID-19; the maxima
are exclusive. The patient id and the source are in the file name, in a form of each source's own
(dataset_construction/ of github.com/haydengunraj/COVIDNet-CT).
"""

import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from covid_keras.datasets.card import Card
from covid_keras.datasets.label_files import (
    BadLine,
    Report,
    find_file,
    image_folder,
    join,
    make_table,
    no_rows,
    parse_box,
    parse_lines,
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


def read(card: Card, root: Path, splits: Sequence[str], report: Report) -> pd.DataFrame:
    """Records, with origin, of the splits; bad lines and missing label files are reported."""
    return join(_read_split(card, root, split, report) for split in splits)


def patient_and_source(filename: str) -> tuple[str, str]:
    """("NCP_341", "CNCB") from "NCP_341_1834_0022.png".

    Raises:
        BadLine: the name has the form of no source of COVIDx CT.
    """
    for source, pattern in _PATTERNS:
        if match := pattern.fullmatch(filename):
            return match[1], source
    raise BadLine(
        f"expected a file name of a COVIDx CT source, as NCP_1_2_0003.png. Received: {filename}"
    )


def _read_split(card: Card, root: Path, split: str, report: Report) -> pd.DataFrame:
    version = card.name.rpartition("-")[2][0]
    folders = ("", "labels/", f"splits/v{version}/")
    wanted = [pattern.format(split=split) for pattern in card.label_files]
    path = find_file(root, [folder + name for name in wanted for folder in folders])
    if path is None:
        report(f"{root / wanted[0]}: label file not found")
        return no_rows()
    rows = parse_lines(path, lambda line: _parse(line, card.classes), report)
    if not rows:
        report(f"{path}: expected at least one image. Received: none")
        return no_rows()
    lines, names, labels, patients, sources, boxes = zip(*rows, strict=True)
    folder = image_folder(root, card.image_folders, names[0])
    prefix = f"{folder}/" if folder else ""
    return make_table(
        [prefix + name for name in names],
        labels,
        patient=patients,
        source=sources,
        split=split,
        box=boxes,
        file=str(path),
        line=lines,
    )


def _parse(line: str, classes: Sequence[str]) -> tuple[str, str, str, str, tuple[int, ...]]:
    fields = line.split()
    if len(fields) != 6:
        raise BadLine(
            f"expected 6 fields: filename class xmin ymin xmax ymax. Received {len(fields)}: {line}"
        )
    name, number, *corners = fields
    if number not in map(str, range(len(classes))):
        known = ", ".join(f"{i} {label}" for i, label in enumerate(classes))
        raise BadLine(f"expected a class number ({known}). Received: {number}")
    return name, classes[int(number)], *patient_and_source(name), parse_box(corners)
