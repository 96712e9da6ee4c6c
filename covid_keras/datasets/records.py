"""Records: a table with one row for every image. No pixels are read, no image needs to exist."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from covid_keras.datasets import catalogue
from covid_keras.datasets.check import INSIDE, record_problems
from covid_keras.datasets.label_files import (
    BOX,
    COLUMNS,
    SPLITS,
    TEXT,
    OnProblem,
    Row,
    leads_out,
    refuse,
)
from covid_keras.utils.errors import InputError

OTHER = "other"
"""Name of all classes but the positive one, merged."""


def load_records(
    name: str, root: str | Path, splits: Sequence[str] | None = None, *, outside: bool = False
) -> pd.DataFrame:
    """Read the records of a data set. The images themselves need not exist.

    Args:
        name: a name of `covid-keras data list`.
        root: the data set's folder; for "folder" also a CSV file.
        splits: of train, val and test; None means every published split.
        outside: whether images may lie outside of the folder, by their paths or by links.

    Returns:
        A table with the columns image (POSIX path relative to `image_root(root)`), label, patient,
        split, source (str, "" where unknown), x0, y0, x1, y1 (Int64, pixels of the stored image,
        x1 and y1 exclusive, <NA> without a box), in the order of the label files.

    Raises:
        InputError: unknown data set or split, missing folder or label file, a bad line (with file
            and line), an image listed twice, or a class without an image.

    Example:
        >>> records = covid_keras.load_records("folder", images)
        >>> sorted(set(records["label"]))
        ['bright', 'dark']
    """
    records = load_external(name, root, splits, outside=outside)
    for label in classes_of(name, records):
        if label not in set(records["label"]):
            raise InputError(f"{root}: expected images of class {label} of {name}. Received: none")
    return records


def load_external(
    name: str, root: str | Path, splits: Sequence[str] | None = None, *, outside: bool = False
) -> pd.DataFrame:
    """Read records as `load_records`, where classes may be without images: for external tests."""
    table = read_table(name, root, splits, refuse, outside)
    classes = catalogue.get(name).classes or sorted(set(table["label"]))
    if problems := list(record_problems(table, classes)):
        more = f" (and {len(problems) - 1} more; covid-keras data verify lists them)"
        raise InputError(f"{problems[0]}{more if len(problems) > 1 else ''}")
    return table[list(COLUMNS)]


def read_table(
    name: str,
    root: str | Path,
    splits: Sequence[str] | None,
    on_problem: OnProblem,
    outside: bool = False,
) -> pd.DataFrame:
    """Read the records with the columns file and line; bad lines go to `on_problem`.

    Unless `outside`, those are also the images whose path leads out of the folder.

    Raises:
        InputError: unknown data set or split, or missing folder.
    """
    card = catalogue.get(name)
    root = Path(root)
    if not (root.is_dir() or (name == "folder" and root.is_file())):
        what = "your images, or their CSV" if name == "folder" else f"data set {name}"
        raise InputError(f"{root}: expected the folder of {what}. Received: no such folder")
    known = card.splits or (SPLITS if name == "folder" else ())
    if unknown := [split for split in splits or () if split not in known]:
        splits = ", ".join(known) or "none"
        raise InputError(f"split {unknown[0]}: data set {name} has the splits: {splits}")
    table = make_table(card.read(card, root, card.splits if splits is None else splits, on_problem))
    if outside:
        return table
    leading = table["image"].map(leads_out).astype(bool)
    for row in table[leading].itertuples():
        on_problem(f"{row.file}:{row.line}: {INSIDE}. Received: {row.image[:200]}")
    return table[~leading].reset_index(drop=True)


def make_table(rows: Iterable[Row]) -> pd.DataFrame:
    """Return the rows as a table: `COLUMNS`, file and line, with the dtypes of `load_records`."""
    table = pd.DataFrame(rows, columns=list(Row._fields))
    boxes = pd.DataFrame(table.pop("box").tolist(), columns=list(BOX), dtype="Int64")
    dtypes = {**dict.fromkeys(TEXT, "str"), "line": "int64"}
    return table.astype(dtypes).join(boxes)[[*COLUMNS, "file", "line"]]


def classes_of(name: str, records: pd.DataFrame) -> tuple[str, ...]:
    """Return the classes in order: the card's, or the sorted labels if the user names them.

    Raises:
        InputError: fewer than two classes.
    """
    classes = catalogue.get(name).classes or tuple(sorted(set(records["label"])))
    if len(classes) < 2:
        received = ", ".join(classes) or "none"
        raise InputError(f"data set {name}: expected two classes or more. Received: {received}")
    return classes


def one_vs_rest(
    records: pd.DataFrame, classes: tuple[str, ...], positive: str
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Merge all classes but `positive` into OTHER; return records and classes.

    Raises:
        InputError: no such class.
    """
    if positive == OTHER or positive not in classes:
        known = ", ".join(classes)
        raise InputError(f"data.versus_rest: expected one of {known}. Received: {positive!r}")
    kept = records["label"].isin((positive, ""))
    return records.assign(label=records["label"].where(kept, OTHER)), (OTHER, positive)


def map_labels(
    records: pd.DataFrame, classes: Sequence[str], label_map: Mapping[str, str]
) -> pd.DataFrame:
    """Rename the labels of another data set to the classes that a network knows.

    Args:
        records: every label is one of `classes` or a key of `label_map`.
        classes: of the network.
        label_map: {label: class}; "" as class leaves the label's images out.

    Raises:
        InputError: a label without a class, a key or class that does not exist, or no images left.
    """
    labels, known = dict.fromkeys(records["label"]), ", ".join(classes)
    for label, name in label_map.items():
        if name and name not in classes:
            raise InputError(
                f"--map {label}={name}: expected LABEL=CLASS, with a class of {known},"
                " or LABEL= to leave it out"
            )
        if label not in labels:
            raise InputError(f"--map {label}: no such label; there are {', '.join(labels)}")
    if missing := [label for label in labels if label not in label_map and label not in classes]:
        raise InputError(
            f"label {missing[0]}: the network knows {known}; give"
            f" --map {missing[0]!r}=CLASS, or {missing[0]!r}= to leave it out"
        )
    table = records.assign(label=records["label"].replace(dict(label_map)))
    table = table[table["label"] != ""].reset_index(drop=True)
    if table.empty:
        raise InputError("--map: expected images that are not left out. Received: none")
    return table


def image_root(root: str | Path) -> Path:
    """Return the folder that the records' paths are relative to: `root`, or a CSV's folder."""
    root = Path(root)
    return root.parent if root.is_file() else root


def evenly_spaced(length: int, count: int) -> np.ndarray:
    """Return up to `count` evenly spaced indices of a sequence."""
    return np.linspace(0, length - 1, min(count, length)).round().astype(int)
