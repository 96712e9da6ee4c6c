"""Check records before work begins: what `verify` lists is what training refuses."""

import itertools
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from covid_keras.utils.errors import InputError

RESERVED = ("image", "label", "patient", "source", "fold", "predicted", "status", "study")
RESERVED += ("series", "view", "images", "not_answered", "run", "version", "stamps", "tests")
"""Columns of files of predictions and answers, which have one column per class beside them."""
INSIDE = "expected an image inside the data set's folder (or data.outside=true)"


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: its kind, and a line with file, line and reason."""

    kind: str
    text: str

    def __str__(self) -> str:
        return self.text


def record_problems(table: pd.DataFrame, classes: Sequence[str]) -> Iterator[Problem]:
    """Yield what is wrong with the records, without reading an image.

    Args:
        table: of `records.read_table`, with the columns file and line.
        classes: of the data set.
    """
    for name in classes:
        if name in RESERVED or name != name.strip() or not name.isprintable():
            text = f"class {name!r}: expected a name that is none of {', '.join(RESERVED)}"
            yield Problem("class name", f"{text}, and without control characters")
    for first, second in itertools.combinations(classes, 2):
        if first.casefold() == second.casefold():
            text = f"class {second!r}: expected names that differ by more than capitals"
            yield Problem("class name", f"{text}. Received: also {first!r}")
    table = table.assign(place=place(table))
    first = table.drop_duplicates("image").set_index("image")
    for row in table[table["image"].duplicated()].itertuples():
        label, before = first.loc[row.image, ["label", "place"]]
        labels = f", as {label} there and {row.label} here" if label != row.label else ""
        text = f"{row.place}: image {row.image} is already listed at {before}{labels}"
        yield Problem("duplicate", text)


def split_problems(table: pd.DataFrame) -> Iterator[Problem]:
    """Yield the patients that are in two published splits."""
    known = table[(table["patient"] != "") & (table["split"] != "")]
    pairs = known[["patient", "split"]].drop_duplicates()
    for patient, names in pairs.groupby("patient", sort=False)["split"]:
        if len(names) > 1:
            text = f"patient {patient} is in {' and '.join(names)}: expected each in one split"
            yield Problem("split", text)


def file_problems(
    records: pd.DataFrame, root: Path, outside: bool = False
) -> Iterator[tuple[str, Problem]]:
    """Yield the images that are no files, lead out of `root` by a link, or are one file.

    Hard links are files of their own.

    Args:
        records: image, and place if the images were listed somewhere.
        root: the folder that the images are relative to.
        outside: whether images may lie outside of `root`.

    Yields:
        The image, and what is wrong with it.
    """
    top, folders, seen = os.path.realpath(root), {}, {}
    places = records.get("place", [str(root / image) for image in records["image"]])
    for image, where in zip(records["image"], places, strict=True):
        path = root / image
        named = str(path) if where == str(path) else f"{where}: {path}"
        try:
            state = path.stat()
        except (OSError, ValueError):
            yield image, Problem("missing", f"{named}: image not found")
            continue
        if not stat.S_ISREG(state.st_mode):
            kind = "a folder" if stat.S_ISDIR(state.st_mode) else "a pipe or a device"
            yield image, Problem("missing", f"{named}: expected an image. Received: {kind}")
            continue
        if path.parent not in folders:
            folders[path.parent] = os.path.realpath(path.parent)
        real = os.path.join(folders[path.parent], path.name)
        real = os.path.realpath(real) if os.path.islink(real) else real
        if not outside and os.path.commonpath((top, real)) != top:
            yield image, Problem("outside", f"{named}: {INSIDE}. Received: a link to {real}")
        file = real.casefold(), state.st_dev, state.st_ino
        if (first := seen.setdefault(file, image)) != image:
            yield image, Problem("duplicate", f"{named}: is the same file as {first}")


def check_files(
    records: pd.DataFrame, root: Path, outside: bool = False, *, missing: bool = True
) -> None:
    """Raise InputError for the first of `file_problems`; without `missing`, of files that exist."""
    found = [problem for _, problem in file_problems(records, root, outside)]
    found = [problem for problem in found if missing or problem.kind != "missing"]
    if found:
        more = f" (and {len(found) - 1} more; covid-keras data verify lists them all)"
        raise InputError(f"{found[0]}{more if len(found) > 1 else ''}")


def place(table: pd.DataFrame) -> pd.Series:
    """Return FILE:LINE of each record, or the image's path where there is no label file."""
    return table["file"].where(table["line"] == 0, table["file"] + ":" + table["line"].astype(str))
