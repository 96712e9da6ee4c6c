"""Check a data set on disk against its card and label files; list every problem."""

import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from covid_keras.datasets import catalogue
from covid_keras.datasets.card import Card
from covid_keras.datasets.check import (
    Problem,
    file_problems,
    place,
    record_problems,
    split_problems,
)
from covid_keras.datasets.label_files import BOX, SPLITS
from covid_keras.datasets.levels import warn_of_levels
from covid_keras.datasets.records import classes_of, image_root, read_table
from covid_keras.datasets.splits import default_rule, make_split
from covid_keras.images.read import read_image
from covid_keras.utils.errors import InputError
from covid_keras.utils.progress import progress
from covid_keras.utils.text import count, text_table

KINDS = ("label file", "class name", "count", "duplicate", "split", "missing", "unreadable")
KINDS += ("outside", "box outside")
"""Kinds of problems, in the order of the list."""


@dataclass(frozen=True)
class Verification:
    """The result of `verify`."""

    name: str
    root: Path
    counts: pd.DataFrame
    """Images: a row for each split ("" if there is none), a column for each class."""
    patients: dict[str, int]
    """{split: number of patients with an id}."""
    problems: tuple[Problem, ...]

    def table(self) -> str:
        """Return images by split and class, patients, and the number of problems of each kind."""
        rows = [["split", *self.counts.columns, "total", "patients"]]
        for split, row in self.counts.iterrows():
            numbers = [*row.tolist(), int(row.sum()), self.patients.get(split, 0)]
            rows.append([split or "none", *map(str, numbers)])
        kinds = Counter(problem.kind for problem in self.problems)
        summary = ", ".join(f"{kinds[kind]} {kind}" for kind in KINDS if kinds[kind])
        images = count(int(self.counts.to_numpy().sum()), "image")
        lines = (f"{self.name} in {self.root}: {images}", *text_table(rows))
        return "\n".join([*lines, f"problems: {summary or 'none'}"])


def verify(name: str, root: str | Path, *, outside: bool = False) -> Verification:
    """Read every label line and every image of a data set.

    Checked: label lines, labels, class names, numbers of images against the card, images listed
    twice, patients in two splits, classes without images in a split, missing and unreadable files,
    files that are listed under two names or lie outside, and boxes outside of their image. PNG
    images of 16 bits that lose their contrast without `input.levels` are a warning.

    Args:
        name: a name of `covid-keras data list`.
        root: the data set's folder, or for "folder" a CSV.
        outside: whether images may lie outside of the folder, as with the setting `data.outside`.

    Raises:
        InputError: unknown data set, or no such folder. Whatever is wrong inside is a problem.
    """
    card = catalogue.get(name)
    problems: list[Problem] = []

    def note(text: str) -> None:
        problems.append(Problem("label file", text))

    rows = read_table(name, root, None, note, outside)
    try:
        classes_of(name, rows)
    except InputError as error:
        problems.append(Problem("label file", str(error)))
    classes = card.classes or sorted(set(rows["label"]))
    counts = pd.crosstab(rows["split"], rows["label"]).reindex(columns=classes, fill_value=0)
    counts = counts.reindex([split for split in (*SPLITS, "") if split in counts.index])
    rows["place"] = place(rows)
    problems += _count_problems(card, root, counts)
    problems += [*record_problems(rows, classes), *split_problems(rows)]
    if not {"label file", "split"} & {problem.kind for problem in problems}:
        problems += _no_split(card, rows.drop_duplicates("image"))
    problems += _image_problems(rows, image_root(root), outside)
    warn_of_levels(rows["image"].tolist(), image_root(root))
    known = rows[rows["patient"] != ""]
    patients = known.groupby("split")["patient"].nunique().to_dict()
    return Verification(name, Path(root), counts, patients, tuple(problems))


def _count_problems(card: Card, root: str | Path, counts: pd.DataFrame) -> Iterator[Problem]:
    for split in card.images:
        for label, expected in card.counts(split).items():
            received = int(counts.loc[split, label]) if split in counts.index else 0
            if received != expected:
                where = f"{root}: {f'{split} split' if split else 'in all'}"
                images = count(expected, "image")
                text = f"{where}: expected {images} of class {label}. Received: {received}"
                yield Problem("count", text)


def _no_split(card: Card, rows: pd.DataFrame) -> Iterator[Problem]:
    """Yield why the split that training makes is not possible."""
    try:
        make_split(rows, rule=default_rule(rows, card.split))
    except InputError as error:
        yield Problem("split", str(error))


def _image_problems(rows: pd.DataFrame, folder: Path, outside: bool) -> Iterator[Problem]:
    images, chunk = rows.drop_duplicates("image"), 2048  # limits the memory of waiting results
    files = list(file_problems(images, folder, outside))
    yield from (problem for _, problem in files)
    missing = {image for image, problem in files if problem.kind == "missing"}
    images = images[~images["image"].isin(missing)]
    workers = ThreadPoolExecutor(2 * (os.cpu_count() or 1))
    with workers as threads, progress("verify", total=len(images)) as bar:
        for start in range(0, len(images), chunk):
            rows = images.iloc[start : start + chunk].itertuples()
            for problem in threads.map(lambda row: _image_problem(row, folder), rows):
                bar.update()
                if problem:
                    yield problem


def _image_problem(row, folder: Path) -> Problem | None:
    path = folder / row.image
    try:
        height, width = read_image(path).shape
    except InputError as error:
        text = str(error) if row.place == str(path) else f"{row.place}: {error}"
        return Problem("unreadable", text)
    box = [getattr(row, name) for name in BOX]
    if not pd.isna(box[0]) and (box[2] > width or box[3] > height):
        expected = f"{row.place}: expected a box inside {width}x{height} of {row.image}"
        return Problem("box outside", f"{expected}. Received: {' '.join(map(str, box))}")
    return None
