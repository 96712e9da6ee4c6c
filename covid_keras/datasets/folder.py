"""Your own images: class folders, with or without train/val/test above them, or a CSV."""

import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path, PurePosixPath

from covid_keras.datasets.card import Card
from covid_keras.datasets.label_files import (
    BOX,
    NO_LABELS,
    SPLITS,
    BadLine,
    OnProblem,
    Row,
    find_file,
    parse_box,
    parse_rows,
    read_csv,
)
from covid_keras.images.find import images_below, is_hidden
from covid_keras.images.formats import IMAGE_SUFFIXES, is_image

_log = logging.getLogger(__name__)

_SUFFIXES = " ".join(IMAGE_SUFFIXES)
SPLIT_FOLDERS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""{name of a folder, in lower case: the split that it holds}."""
ALIASES = {
    "image": ("filename", "file_name", "file", "path", "image_path"),
    "label": ("class", "labels", "diagnosis"),
    "patient": ("patient_id", "patientid", "patient id", "subject", "subject_id"),
    "split": ("set", "subset"),
}
"""{column: other names that it may have in a CSV}."""


def read(card: Card, root: Path, splits: Sequence[str], on_problem: OnProblem) -> list[Row]:
    """Read the CSV: `root` itself, the card's label file or labels.csv; else the class folders.

    The patients of DICOM images in class folders are those of their headers. Empty `splits` mean
    every image.
    """
    csv_file = root if root.is_file() else find_file(root, card.label_files or ["labels.csv"])
    if csv_file:
        rows = _read_csv(csv_file, card.classes, on_problem)
    elif card.label_files:
        on_problem(f"{root / card.label_files[0]}: {NO_LABELS}")
        return []
    else:
        from covid_keras.datasets.dicom_tags import patient_ids  # it imports pandas and OpenCV

        rows = _read_tree(root, on_problem)
        patients = patient_ids(root, [row.image for row in rows], [row.label for row in rows])
        rows = [row._replace(patient=id_) for row, id_ in zip(rows, patients, strict=True)]
    return [row for row in rows if row.split in splits] if splits else rows


def read_classes(card: Card, root: Path, splits: Sequence[str], on_problem: OnProblem) -> list[Row]:
    """Read the folders of the card's classes, which may have the names that the sources use.

    Patient ids are those of manifest.csv, if present.
    """
    names = {
        name.lower(): label
        for label in card.classes
        for name in (label, *card.class_folders.get(label, ()))
    }
    found = [(name, names[name.lower()]) for name in _subfolders(root) if name.lower() in names]
    found += [(label, label) for label in card.classes if label not in dict(found).values()]
    found.sort(key=lambda folder: card.classes.index(folder[1]))
    rows = _read_classes(root, root, found, "", on_problem)
    manifest = root / "manifest.csv"
    table = read_csv(manifest, ["path", "patient_id"]) if manifest.is_file() else ()
    patients = {row["path"]: row["patient_id"] for _, row in table}
    return [row._replace(patient=patients.get(row.image, "")) for row in rows]


def _read_tree(root: Path, on_problem: OnProblem) -> list[Row]:
    """Read class folders, with splits above them, below them, or without splits."""
    folders = _subfolders(root)
    split_folders = [name for name in folders if name.lower() in SPLIT_FOLDERS]
    split_folders.sort(key=lambda name: SPLITS.index(SPLIT_FOLDERS[name.lower()]))
    if not split_folders:
        rows = _read_classes(root, root, _own_names(folders), "", on_problem)
        return [_with_split_below(row, root, on_problem) for row in rows]
    for name in sorted(set(folders) - set(split_folders)):
        on_problem(f"{root / name}: expected only train, val and test beside {split_folders[0]}/")
    rows = []
    for name in split_folders:
        split = SPLIT_FOLDERS[name.lower()]
        classes = _own_names(_subfolders(root / name))
        rows += _read_classes(root, root / name, classes, split, on_problem)
    return rows


def _with_split_below(row: Row, root: Path, on_problem: OnProblem) -> Row:
    """Return the row with the split that is the folder below its class, as in COVID/train/."""
    folder = PurePosixPath(row.image).parts[1]
    return row._replace(split=SPLIT_FOLDERS.get(folder.lower(), ""))


def _own_names(folders: Sequence[str]) -> list[tuple[str, str]]:
    return [(name, name) for name in folders]


def _read_classes(
    root: Path,
    parent: Path,
    classes: Sequence[tuple[str, str]],
    split: str,
    on_problem: OnProblem,
) -> list[Row]:
    """Read the images below `parent`; `classes` are pairs of a folder and its class."""
    if not classes:
        on_problem(f"{parent}: expected a folder for each class. Received: no folders")
    loose = sorted(path for path in parent.iterdir() if path.is_file() and is_image(path))
    if classes and loose:
        text = "%s: left out %d images that are in no folder of a class, the first %s"
        _log.warning(text, parent, len(loose), loose[0].name)
    rows = []
    for folder, label in classes:
        for path in _images_of(parent / folder, label, on_problem):
            image = path.relative_to(root).as_posix()
            rows.append(Row(image, label, split=split, file=str(path)))
    return rows


def _images_of(folder: Path, label: str, on_problem: OnProblem) -> list[Path]:
    if not folder.is_dir():
        on_problem(f"{folder}: expected a folder with the images of class {label}. Received: none")
        return []
    images = images_below(folder)
    if not images:
        files = (path for path in folder.rglob("*") if path.is_file())
        others = ", ".join(sorted({path.suffix or path.name for path in files})) or "none"
        on_problem(f"{folder}: expected images ({_SUFFIXES}) of class {label}. Received: {others}")
    return images


def _subfolders(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.is_dir() and not is_hidden(p.name))


def _read_csv(path: Path, classes: Sequence[str], on_problem: OnProblem) -> list[Row]:
    items = read_csv(path, ["image", "label"], ALIASES)
    rows = parse_rows(path, items, partial(_parse, classes=classes), on_problem)
    bare = [row.line for row in rows if not row.split]
    if bare and len(bare) < len(rows):
        place = f"{path}:{bare[0]}"
        on_problem(f"{place}: expected a split in every row or in none. Received: none here")
    return rows


def _parse(row: dict[str | None, str | None], classes: Sequence[str]) -> Row:
    if None in row or None in row.values():
        raise BadLine("expected as many fields as the header has. Received: more or fewer")
    image, label = row["image"].strip(), row["label"].strip()
    if not image or not label:
        raise BadLine(f"expected an image and a label. Received: {image!r}, {label!r}")
    if classes and label not in classes:
        raise BadLine(f"expected a class of {', '.join(classes)}. Received: {label}")
    others = [row.get(name, "").strip() for name in ("patient", "split", "source", *BOX)]
    patient, split, source, *corners = others
    if split and split.lower() not in SPLIT_FOLDERS:
        raise BadLine(f"expected the split train, val or test. Received: {split}")
    split = SPLIT_FOLDERS.get(split.lower(), "")
    return Row(image, label, patient, split, source, parse_box(corners))
