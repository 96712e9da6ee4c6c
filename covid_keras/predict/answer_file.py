"""The files of answers. Rows are written as they come."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from covid_keras.utils.errors import InputError
from covid_keras.utils.files import PARTIAL, growing_file, make_folder, write_text
from covid_keras.utils.text import csv_text

FORMATS = (".csv", ".jsonl")


class AnswerFile:
    """A CSV of images with one of patients beside it, or JSON lines of both."""

    def __init__(self, out: Path, classes: Sequence[str], add) -> None:
        self._out, self._classes, self._add, self._empty = out, classes, add, True

    def add_images(self, rows: pd.DataFrame) -> None:
        """Add rows of images."""
        if _is_csv(self._out):
            self._add(_csv(rows, header=self._empty))
            self._empty = False
        else:
            self._add(_lines(rows, "image", self._classes))

    def add_patients(self, rows: pd.DataFrame) -> None:
        """Add the rows of all patients, after those of all images."""
        if _is_csv(self._out):
            write_text(patients_file(self._out), _csv(rows))
        else:
            self._add(_lines(rows, "patient", self._classes))


@contextmanager
def answer_file(out: Path, classes: Sequence[str]) -> Iterator[AnswerFile]:
    """Yield a file to add rows to; until all are there its name ends in .partial.

    Args:
        classes: the columns of the rows that are probabilities.
    """
    with growing_file(out) as add:
        yield AnswerFile(out, classes, add)


def check_out(out: Path, overwrite: bool) -> None:
    """Raise InputError where the answers cannot go, before anything is predicted."""
    if out.is_dir():
        raise InputError(f"{out}: expected a file to write. Received: a folder")
    if out.suffix.lower() not in FORMATS:
        expected = f"a name that ends in {' or '.join(FORMATS)}"
        raise InputError(f"{out}: expected {expected}. Received: {out.name}")
    partial = out.with_name(out.name + PARTIAL)
    for file in dict.fromkeys((out, partial, patients_file(out))):
        if file.exists() and not overwrite:
            what = "rows of a prediction that was stopped or still runs" if file == partial else ""
            what = what or "exists already"
            raise InputError(f"{file}: {what}; give another --out, or --overwrite")
    make_folder(out.parent)


def patients_file(out: Path) -> Path:
    """Return the file of the patients: beside a CSV of the images, in a file of JSON lines."""
    return out.with_name(f"{out.stem}_patients{out.suffix}") if _is_csv(out) else out


def _is_csv(out: Path) -> bool:
    return out.suffix.lower() == ".csv"


def _csv(rows: pd.DataFrame, header: bool = True) -> str:
    return csv_text(rows, header=header, float_format="%.9g")


def _lines(rows: pd.DataFrame, level: str, classes: Sequence[str]) -> str:
    """Return one JSON object a line, with `level` and the probabilities by class."""
    lines = []
    for row in rows.to_dict("records"):
        numbers = {name: float(f"{row.pop(name):.9g}") for name in classes}
        numbers = numbers if row["predicted"] else None
        lines.append({"level": level, **row, "probabilities": numbers})
    return "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines)
