"""Check a data set on disk against its card and its label files; list every problem at once."""

import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from covid_keras.datasets import catalogue
from covid_keras.datasets.label_files import BOX, SPLITS
from covid_keras.datasets.records import classes_of, image_root, read_rows
from covid_keras.images.read import read_image
from covid_keras.utils.errors import InputError
from covid_keras.utils.progress import progress

KINDS = ("label file", "count", "duplicate", "missing", "unreadable", "box outside")
"""Kinds of problems, in the order of the report."""

_CHUNK = 2048
"""Images handed to the threads at a time, so that memory does not grow with the data set."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: its kind (of `KINDS`) and a line with file, line and reason."""

    kind: str
    text: str


@dataclass(frozen=True)
class Report:
    """What `verify` found."""

    name: str
    root: Path
    counts: pd.DataFrame
    """Number of images: one row a split ("" where there is none), one column a class."""
    patients: dict[str, int]
    """Split to the number of patients with an id."""
    found: tuple[Problem, ...]

    @property
    def problems(self) -> list[str]:
        """All problems, one line each."""
        return [problem.text for problem in self.found]

    def table(self) -> str:
        """The summary: images by split and class, patients, and the problems by kind."""
        header = ["split", *self.counts.columns, "total", "patients"]
        rows = [
            [split or "none", *row.tolist(), int(row.sum()), self.patients.get(split, 0)]
            for split, row in self.counts.iterrows()
        ]
        cells = [[str(cell) for cell in row] for row in [header, *rows]]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [
            "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
            for row in cells
        ]
        kinds = Counter(problem.kind for problem in self.found)
        summary = ", ".join(f"{kinds[kind]} {kind}" for kind in KINDS if kinds[kind])
        title = f"{self.name} in {self.root}: {int(self.counts.to_numpy().sum())} images"
        return "\n".join([title, *lines, f"problems: {summary or 'none'}"])


def verify(name: str, root: str | Path) -> Report:
    """Read every label line and every image of a data set.

    Checked: label lines, unknown labels, images against the card's counts, images listed twice,
    missing and unreadable files, and boxes that reach outside their image.

    Args:
        name: a name of the catalogue.
        root: the data set's folder, or for `folder` a CSV.

    Raises:
        InputError: unknown data set, or no such folder. Whatever is wrong inside it is reported.
    """
    card = catalogue.get(name)
    found: list[Problem] = []
    rows = read_rows(name, root, None, lambda text: found.append(Problem("label file", text)))
    classes = card.classes or tuple(sorted(set(rows["label"])))
    if not card.classes:
        try:
            classes_of(name, rows)
        except InputError as error:
            found.append(Problem("label file", str(error)))
    counts = _counts(rows, classes)
    found += _count_problems(card, root, counts)
    found += _duplicates(rows)
    found += _image_problems(rows, image_root(root))
    known = rows[rows["patient"] != ""]
    patients = known.groupby("split")["patient"].nunique().to_dict()
    return Report(name, Path(root), counts, patients, tuple(found))


def _counts(rows: pd.DataFrame, classes: tuple[str, ...]) -> pd.DataFrame:
    table = pd.crosstab(rows["split"], rows["label"]).reindex(columns=classes, fill_value=0)
    present = [split for split in (*SPLITS, "") if split in table.index]
    return table.reindex(present)


def _count_problems(card, root: str | Path, counts: pd.DataFrame) -> Iterator[Problem]:
    for split in card.images:
        for label, expected in card.counts(split).items():
            received = int(counts.loc[split, label]) if split in counts.index else 0
            if received != expected:
                where = f"{split} split" if split else "in all"
                yield Problem(
                    "count",
                    f"{root}: {where}: expected {expected} images of class {label}."
                    f" Received: {received}",
                )


def _duplicates(rows: pd.DataFrame) -> Iterator[Problem]:
    first = rows.drop_duplicates("image").set_index("image")
    for row in rows[rows["image"].duplicated()].itertuples():
        yield Problem(
            "duplicate",
            f"{_where(row)}: image {row.image} is already listed at {_where(first.loc[row.image])}",
        )


def _image_problems(rows: pd.DataFrame, folder: Path) -> Iterator[Problem]:
    images = rows.drop_duplicates("image")
    workers = ThreadPoolExecutor(2 * (os.cpu_count() or 1))
    with workers as threads, progress("verify", total=len(images)) as bar:
        for start in range(0, len(images), _CHUNK):
            chunk = images.iloc[start : start + _CHUNK]
            checks = threads.map(lambda row: _image_problem(row, folder), chunk.itertuples())
            for problem in checks:
                bar.update()
                if problem:
                    yield problem


def _image_problem(row, folder: Path) -> Problem | None:
    path = folder / row.image
    if not path.is_file():
        return Problem("missing", f"{_where(row)}: {path}: file not found")
    try:
        height, width = read_image(path).shape
    except InputError as error:
        text = str(error) if _where(row) == str(path) else f"{_where(row)}: {error}"
        return Problem("unreadable", text)
    box = [getattr(row, name) for name in BOX]
    if not pd.isna(box[0]) and (box[2] > width or box[3] > height):
        return Problem(
            "box outside",
            f"{_where(row)}: expected a box inside {width}x{height} of {row.image}."
            f" Received: {' '.join(map(str, box))}",
        )
    return None


def _where(row) -> str:
    """file:line of a label file; the image file itself where there is no label file."""
    return f"{row.file}:{row.line}" if row.line else row.file
