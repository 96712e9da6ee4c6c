"""Check records before work begins: what `verify` lists is what training refuses."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

RESERVED = ("image", "label", "patient", "source", "fold")
"""Columns of a predictions file, which has one column per class beside them."""


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


def place(table: pd.DataFrame) -> pd.Series:
    """Return FILE:LINE of each record, or the image's path where there is no label file."""
    return table["file"].where(table["line"] == 0, table["file"] + ":" + table["line"].astype(str))
