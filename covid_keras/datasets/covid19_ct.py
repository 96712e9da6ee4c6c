"""COVID19-CT: class folders, the official split lists and patient ids from the metadata.

Two layouts: a clone of github.com/UCSD-AI4H/COVID-CT (Images-processed/, Data-split/, metadata in
the root, one of them an .xlsx), and a flat one (CT_COVID/, CT_NonCOVID/, official_split/, meta/).
"""

import re
import xml.etree.ElementTree as ElementTree
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from covid_keras.datasets.card import Card
from covid_keras.datasets.label_files import (
    Report,
    find_file,
    image_folder,
    join,
    make_table,
    no_rows,
    read_csv,
    read_lines,
)
from covid_keras.images.read import IMAGE_SUFFIXES
from covid_keras.utils.errors import InputError

_XML = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def read(card: Card, root: Path, splits: Sequence[str], report: Report) -> pd.DataFrame:
    """Records, with origin, of the splits; images without a patient id are reported."""
    return join(_read_class(root, label, splits, report) for label in card.classes)


def _read_class(root: Path, label: str, splits: Sequence[str], report: Report) -> pd.DataFrame:
    patients = _patients(root, label, report)
    return join(_read_list(root, label, split, patients, report) for split in splits)


def _read_list(
    root: Path, label: str, split: str, patients: dict[str, str], report: Report
) -> pd.DataFrame:
    name = f"{split}CT_{label}.txt"
    path = find_file(root, [f"official_split/{name}", f"Data-split/{label}/{name}", name])
    if path is None:
        report(f"{root / 'official_split' / name}: label file not found")
        return no_rows()
    rows = list(read_lines(path))
    for number, image in rows:
        if _stem(image) not in patients:
            report(
                f"{path}:{number}: expected a patient id in the metadata. Received: none: {image}"
            )
    if not rows:
        report(f"{path}: expected at least one image. Received: none")
        return no_rows()
    lines, names = zip(*rows, strict=True)
    folder = image_folder(root, (f"CT_{label}", f"Images-processed/CT_{label}"), names[0])
    prefix = f"{folder}/" if folder else ""
    return make_table(
        [prefix + name for name in names],
        label,
        patient=[patients.get(_stem(name), "") for name in names],
        split=split,
        file=str(path),
        line=lines,
    )


def _patients(root: Path, label: str, report: Report) -> dict[str, str]:
    """{file name without suffix: patient id}; the metadata give some names without suffix."""
    name = f"{label}-CT-MetaInfo"
    path = find_file(
        root, [f"{folder}{name}{s}" for folder in ("meta/", "") for s in (".csv", ".xlsx")]
    )
    if path is None:
        report(f"{root / 'meta' / name}.csv: metadata file with the patient ids not found")
        return {}
    column = "file name" if label == "COVID" else "image name"
    rows = _xlsx_rows(path) if path.suffix == ".xlsx" else read_csv(path, [column, "patient id"])
    return {_stem(row[column].strip()): row["patient id"].strip() for _, row in rows}


def _stem(name: str) -> str:
    """The name without an image suffix; other dots are part of the name."""
    head, dot, suffix = name.rpartition(".")
    return head if f"{dot}{suffix.lower()}" in IMAGE_SUFFIXES else name


def _xlsx_rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """(row number, {"file name", "patient id"}) of the first sheet: its columns A and B."""
    try:
        with zipfile.ZipFile(path) as book:
            shared = ElementTree.fromstring(book.read("xl/sharedStrings.xml"))
            sheet = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
    except (zipfile.BadZipFile, KeyError, ElementTree.ParseError) as error:
        raise InputError(f"{path}: expected an .xlsx workbook. Received: {error}") from None
    strings = ["".join(t.text or "" for t in item.iter(f"{_XML}t")) for item in shared]
    for row in sheet.iter(f"{_XML}row"):
        cells = {}
        for cell in row:
            value = cell.findtext(f"{_XML}v") or ""
            column = re.sub(r"\d", "", cell.get("r"))
            cells[column] = strings[int(value)] if cell.get("t") == "s" else value
        if int(row.get("r")) > 1 and cells.get("A"):
            yield int(row.get("r")), {"file name": cells["A"], "patient id": cells.get("B", "")}
