"""The predictions file: one CSV row per image, the only input of every metric and figure."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from covid_keras.utils.errors import InputError
from covid_keras.utils.files import write_text

FIXED_COLUMNS = ("image", "label", "patient", "source", "fold")
SUM_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Predictions:
    """A predictions file in memory; row i of each member belongs to image i."""

    table: pd.DataFrame
    """N rows of str, columns `FIXED_COLUMNS`; "" where something is unknown."""
    classes: tuple[str, ...]
    """The K class names, in the order of the columns of `probabilities`."""
    labels: np.ndarray
    """(N,) int64, index into `classes`; -1 where the label is unknown ("" in the file)."""
    probabilities: np.ndarray
    """(N, K) float64 in [0, 1]; each row sums to 1 within 1e-3."""

    @property
    def predicted(self) -> np.ndarray:
        """(N,) int64: the most probable class; the first one where two are equal."""
        return self.probabilities.argmax(axis=1)

    @property
    def patients(self) -> np.ndarray:
        """(N,) patient ids as str, "" where unknown."""
        return self.table["patient"].to_numpy(dtype=str)

    @property
    def has_patients(self) -> bool:
        """Whether every image has a patient id."""
        return bool((self.table["patient"] != "").all())

    @property
    def clusters(self) -> np.ndarray:
        """(N,) int in [0, P): the patient of each image, or the image itself where not every image
        has a patient id. What a bootstrap draws."""
        if not self.has_patients:
            return np.arange(len(self.labels))
        return np.unique(self.patients, return_inverse=True)[1]

    @property
    def unit(self) -> str:
        """What the clusters are: patient or image."""
        return "patient" if self.has_patients else "image"

    def take(self, rows: np.ndarray) -> "Predictions":
        """These rows, (n,) int or (N,) bool."""
        return replace(
            self,
            table=self.table.loc[rows].reset_index(drop=True),
            labels=self.labels[rows],
            probabilities=self.probabilities[rows],
        )


def write_predictions(
    path: str | Path,
    records: pd.DataFrame,
    probabilities: np.ndarray,
    classes: Sequence[str],
    fold: str = "",
) -> None:
    """Write predictions as CSV: `FIXED_COLUMNS`, then one column named after each class.

    Args:
        path: Where to write, atomically.
        records: N rows with at least the columns image, label, patient and source.
        probabilities: (N, K), each row summing to 1; written as float32, with the nine
            significant digits that read back to the same float32.
        classes: The K class names.
        fold: Name of the fold, the same for all rows; "" without folds.

    Raises:
        InputError: another number of predictions than of images, values that are no
            probabilities, an image twice, an unknown label, or a class name that is taken.
    """
    probabilities = np.asarray(probabilities)
    _check_classes(path, classes)
    if probabilities.shape != (len(records), len(classes)):
        raise InputError(
            f"{path}: expected one prediction per image and class, "
            f"{(len(records), len(classes))}. Received: {probabilities.shape}"
        )
    _check_rows(
        records["image"], records["label"], probabilities, classes, [str(path)] * len(records)
    )
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*FIXED_COLUMNS, *classes])
    columns = [records[name].astype(str) for name in FIXED_COLUMNS[:-1]]
    for row, *known in zip(probabilities.astype(np.float32), *columns, strict=True):
        writer.writerow([*known, fold, *(f"{value:.9g}" for value in row)])
    write_text(path, text.getvalue())


def read_predictions(path: str | Path) -> Predictions:
    """Read what `write_predictions` wrote. Strings stay strings: patient "007", label "NA".

    Raises:
        InputError: with file and line: not such a CSV file, a missing or extra field, a value
            that is no probability, a row that does not sum to 1, an unknown label, an image twice.
    """
    lines = _csv_lines(Path(path))
    _, header = next(lines, (0, []))
    if tuple(header[:5]) != FIXED_COLUMNS or len(header) < 7:
        raise InputError(
            f"{path}:1: expected the columns {','.join(FIXED_COLUMNS)} and at least two classes. "
            f"Received: {','.join(header) or 'an empty file'}"
        )
    classes = tuple(header[5:])
    _check_classes(f"{path}:1", classes)
    rows, places = [], []
    for line, row in lines:
        if len(row) != len(header):
            raise InputError(f"{path}:{line}: expected {len(header)} fields. Received: {len(row)}")
        rows.append(row)
        places.append(f"{path}:{line}")
    if not rows:
        raise InputError(f"{path}: expected one row per image. Received: only the header")
    table = pd.DataFrame([row[:5] for row in rows], columns=list(FIXED_COLUMNS), dtype=str)
    probabilities = np.array(
        [
            [_number(value, place) for value in row[5:]]
            for row, place in zip(rows, places, strict=True)
        ]
    )
    labels = _check_rows(table["image"], table["label"], probabilities, classes, places)
    return Predictions(table, classes, labels, probabilities)


def _csv_lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, fields) of each row that is not blank."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            for row in reader:
                if row:
                    yield reader.line_num, row
    except FileNotFoundError:
        raise InputError(f"{path}: file not found") from None
    except IsADirectoryError:
        raise InputError(f"{path}: expected a CSV file. Received: a folder") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: expected CSV in UTF-8. Received: other bytes") from None
    except csv.Error as error:
        raise InputError(f"{path}:{reader.line_num}: not CSV: {error}") from None


def _number(value: str, place: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise InputError(f"{place}: expected a probability. Received: {value!r}") from None


def _check_classes(place: str | Path, classes: Sequence[str]) -> None:
    for name in classes:
        if not name or name in FIXED_COLUMNS:
            raise InputError(
                f"{place}: a class cannot be named like a column of the file, or be empty. "
                f"Received: {name!r}"
            )
    if len(set(classes)) != len(classes) or len(classes) < 2:
        raise InputError(
            f"{place}: expected two or more different class names. Received: {', '.join(classes)}"
        )


def _check_rows(
    images: Sequence[str],
    labels: Sequence[str],
    probabilities: np.ndarray,
    classes: Sequence[str],
    places: list[str],
) -> np.ndarray:
    """Check images, labels and probabilities; return the labels as (N,) int64."""
    with np.errstate(invalid="ignore"):
        bad = ~((probabilities >= 0) & (probabilities <= 1)).all(axis=1)
        bad |= ~(np.abs(probabilities.sum(axis=1, dtype=np.float64) - 1) <= SUM_TOLERANCE)
    if bad.any():
        row = int(bad.argmax())
        received = ", ".join(f"{value:g}" for value in probabilities[row])
        raise InputError(
            f"{places[row]}: {list(images)[row]}: expected probabilities in [0, 1] that sum to 1. "
            f"Received: {received}"
        )
    index = {name: number for number, name in enumerate(classes)} | {"": -1}
    seen = set()
    for place, image, label in zip(places, images, labels, strict=True):
        if label not in index:
            raise InputError(
                f"{place}: {image}: unknown label; expected {', '.join(classes)} or nothing. "
                f"Received: {label!r}"
            )
        if image in seen:
            raise InputError(f"{place}: expected each image once. Received again: {image}")
        seen.add(image)
    return np.array([index[label] for label in labels], dtype=np.int64)
