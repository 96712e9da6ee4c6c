"""Class folders, with or without train/val/test above them, and CSV files of a user's own."""

import logging
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import pandas as pd

from covid_keras.datasets.card import Card
from covid_keras.datasets.dicom_tags import patient_ids
from covid_keras.datasets.label_files import (
    BOX,
    SPLITS,
    BadLine,
    Report,
    find_file,
    join,
    make_table,
    no_rows,
    parse_box,
    read_csv,
)
from covid_keras.images.read import IMAGE_SUFFIXES, is_image

_log = logging.getLogger(__name__)
_KINDS = " ".join(IMAGE_SUFFIXES)


def read(card: Card, root: Path, splits: Sequence[str], report: Report) -> pd.DataFrame:
    """Records, with origin.

    For `folder`: `root` may be a CSV or hold a labels.csv; else its class folders are read, and the
    patients of DICOM files from their headers. For named sets the CSV is the card's label file; for
    those without one, the class folders are the card's classes, and patient ids are taken from
    manifest.csv where there is one. `splits` empty means every image.
    """
    if card.classes and not card.label_files:
        table = _read_classes(root, root, card.classes, "", report)
        known = _manifest(root)
        return _with_patients(table, [known.get(image, "") for image in table["image"]])
    csv_file = root if root.is_file() else find_file(root, card.label_files or ["labels.csv"])
    if csv_file:
        table = _read_csv(csv_file, card.classes, report)
    elif card.label_files:
        report(f"{root / card.label_files[0]}: label file not found")
        return no_rows()
    else:
        table = _read_tree(root, report)
        patients = patient_ids(root, table["image"].tolist(), table["label"].tolist())
        table = _with_patients(table, patients)
    return table[table["split"].isin(splits)].reset_index(drop=True) if splits else table


def _with_patients(table: pd.DataFrame, patients: list[str]) -> pd.DataFrame:
    return table.assign(patient=pd.Series(patients, table.index, dtype="str"))


def _read_tree(root: Path, report: Report) -> pd.DataFrame:
    folders = _subfolders(root)
    split_folders = [name for name in SPLITS if name in folders]
    if not split_folders:
        return _read_classes(root, root, folders, "", report)
    for name in sorted(set(folders) - set(SPLITS)):
        report(f"{root / name}: expected only train, val and test beside {split_folders[0]}/")
    return join(
        _read_classes(root, root / split, _subfolders(root / split), split, report)
        for split in split_folders
    )


def _read_classes(
    root: Path, parent: Path, classes: Sequence[str], split: str, report: Report
) -> pd.DataFrame:
    if not classes:
        report(f"{parent}: expected a folder for each class. Received: no folders")
    return join(_read_class(root, parent / label, label, split, report) for label in classes)


def _read_class(root: Path, folder: Path, label: str, split: str, report: Report) -> pd.DataFrame:
    if not folder.is_dir():
        report(f"{folder}: expected a folder with the images of class {label}. Received: none")
        return no_rows()
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    files = [path for path in found if is_image(path)]
    others = sorted({path.suffix or path.name for path in set(found) - set(files)})
    if not files:
        received = ", ".join(others) or "none"
        report(f"{folder}: expected images ({_KINDS}) of class {label}. Received: {received}")
        return no_rows()
    if others:
        _log.warning("%s: files left out that are not %s: %s", folder, _KINDS, ", ".join(others))
    images = [path.relative_to(root).as_posix() for path in files]
    return make_table(images, label, split=split, file=[str(path) for path in files])


def _subfolders(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))


def _manifest(root: Path) -> dict[str, str]:
    """{image: patient id} of manifest.csv, {} where there is no such file."""
    path = root / "manifest.csv"
    if not path.is_file():
        return {}
    return {row["path"]: row["patient_id"] for _, row in read_csv(path, ["path", "patient_id"])}


def _read_csv(path: Path, classes: Sequence[str], report: Report) -> pd.DataFrame:
    rows = []
    for number, row in read_csv(path, ["image", "label"]):
        try:
            rows.append((number, *_parse(row, classes)))
        except BadLine as fault:
            report(f"{path}:{number}: {fault}")
    if not rows:
        report(f"{path}: expected at least one image. Received: none")
        return no_rows()
    lines, images, labels, patients, splits, sources, boxes = zip(*rows, strict=True)
    if "" in splits and any(splits):
        number = lines[splits.index("")]
        report(f"{path}:{number}: expected a split in every row or in none. Received: none here")
    return make_table(
        images,
        labels,
        patient=patients,
        split=splits,
        source=sources,
        box=boxes,
        file=str(path),
        line=lines,
    )


def _parse(row: dict[str | None, str | None], classes: Sequence[str]) -> tuple:
    if None in row or None in row.values():
        raise BadLine("expected as many fields as the header has. Received: more or fewer")
    image, label = row["image"].strip(), row["label"].strip()
    if not image or not label:
        raise BadLine(f"expected an image and a label. Received: {image!r}, {label!r}")
    if classes and label not in classes:
        raise BadLine(f"expected a class of {', '.join(classes)}. Received: {label}")
    if PurePosixPath(image).is_absolute() or ".." in PurePosixPath(image).parts:
        raise BadLine(f"expected a path relative to the CSV's folder, inside it. Received: {image}")
    patient, split, source = (row.get(key, "").strip() for key in ("patient", "split", "source"))
    if split not in ("", *SPLITS):
        raise BadLine(f"expected the split train, val or test. Received: {split}")
    return image, label, patient, split, source, _box(row)


def _box(row: dict[str, str]) -> tuple[int | None, ...]:
    corners = [row.get(key, "").strip() for key in BOX]
    if not any(corners):
        return (None, None, None, None)
    return parse_box(corners)
