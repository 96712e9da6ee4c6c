"""Read and write the CSV files of predictions: one row per image."""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from covid_keras.metrics.predictions import FIXED_COLUMNS, Predictions
from covid_keras.metrics.uncertainty import disagreement, entropy
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import read_text, write_text
from covid_keras.utils.text import csv_text, plain_cell

SUM_TOLERANCE = 1e-3
"""How far the probabilities of an image may be from a sum of 1."""


def write_predictions(
    path: str | Path, records: pd.DataFrame, probabilities: np.ndarray, classes: Sequence[str]
) -> None:
    """Write predictions as CSV: `FIXED_COLUMNS`, then one column named after each class.

    Args:
        path: where to write, atomically.
        records: N rows with at least the columns image, label, patient and source; fold is left
            empty where they have no such column.
        probabilities: (N, K), each row summing to 1; written as float32, with the nine
            significant digits that read back to the same float32.
        classes: the K class names.

    Raises:
        InputError: another number of predictions than of images, values that are not
            probabilities, an image twice, an unknown label, or a class named like a column.
    """
    probabilities = np.asarray(probabilities)
    if probabilities.shape != (len(records), len(classes)):
        raise InputError(
            f"{path}: expected one prediction per image and class, "
            f"{(len(records), len(classes))}. Received: {probabilities.shape}"
        )
    table = records.assign(fold=records.get("fold", ""))[list(FIXED_COLUMNS)].astype(str)
    checked(table, classes, probabilities, path, [path] * len(table))
    for name, column in zip(classes, probabilities.astype(np.float32).T, strict=True):
        table[name] = [f"{value:.9g}" for value in column]
    write_text(path, csv_text(table))


def read_predictions(path: str | Path) -> Predictions:
    """Read what `write_predictions` wrote. Strings stay strings: patient "007", label "NA".

    Raises:
        InputError: with file and line: another kind of file, a missing or extra field, a value
            that is not a probability, a row that does not sum to 1, an unknown label, an image
            twice.
    """
    lines = csv_lines(Path(path))
    _, header = next(lines, (0, []))
    if tuple(header[:5]) != FIXED_COLUMNS or len(header) < 7:
        raise InputError(
            f"{path}:1: expected the columns {','.join(FIXED_COLUMNS)} and at least two classes. "
            f"Received: {','.join(header) or 'an empty file'}"
        )
    places, rows, probabilities = [], [], []
    for line, row in lines:
        place = f"{path}:{line}"
        if len(row) != len(header):
            raise InputError(f"{place}: expected {len(header)} fields. Received: {len(row)}")
        places.append(place)
        rows.append(row[:5])
        probabilities.append([_number(value, place) for value in row[5:]])
    table = pd.DataFrame(rows, columns=list(FIXED_COLUMNS), dtype=str)
    probabilities = np.array(probabilities).reshape(-1, len(header) - 5)
    predictions = checked(table, header[5:], probabilities, f"{path}:1", places)
    if not rows:
        raise InputError(f"{path}: expected one row per image. Received: only the header")
    return predictions


def write_uncertainty(
    path: Path, predictions: Predictions, members: np.ndarray | None = None
) -> None:
    """Write one row per image, the least confident first: what a person should look at.

    The columns are image, label, predicted, confidence and entropy; with members also
    disagreement.

    Args:
        path: the CSV, written atomically.
        predictions: of N images; the mean of the members if there are any.
        members: (M, N, K) probabilities of an ensemble or of test-time augmentation.
    """
    table = predictions.table[["image", "label"]].assign(
        predicted=np.asarray(predictions.classes)[predictions.predicted],
        confidence=predictions.probabilities.max(axis=1),
        entropy=entropy(predictions.probabilities),
    )
    if members is not None:
        table["disagreement"] = disagreement(members)
    table = table.sort_values("confidence", kind="stable")
    write_text(path, csv_text(table, float_format="%.6g"))


def csv_lines(path: Path, separator: str = ",") -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, fields) of each row that is not blank. Raises InputError."""
    text = io.StringIO(read_text(path, "CSV"), newline="")
    reader = csv.reader(text, strict=True, delimiter=separator)
    try:
        yield from ((reader.line_num, [*map(plain_cell, row)]) for row in reader if row)
    except csv.Error as error:
        raise InputError(f"{path}:{reader.line_num}: not CSV: {error}") from None


def _number(value: str, place: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise InputError(f"{place}: expected a probability. Received: {value!r}") from None


def checked(
    table: pd.DataFrame,
    classes: Sequence[str],
    probabilities: np.ndarray,
    header: str | Path,
    places: Sequence[str | Path],
) -> Predictions:
    """Return the predictions, or raise InputError that begins with the place of what is wrong.

    Args:
        table: N rows of str with the columns `FIXED_COLUMNS`.
        classes, probabilities: K names, (N, K).
        header, places: where the class names and each row are.
    """
    for name in classes:
        if not name or name in FIXED_COLUMNS:
            raise InputError(
                f"{header}: a class cannot be named like a column of the file, or be empty. "
                f"Received: {name!r}"
            )
    if len(set(classes)) != len(classes) or len(classes) < 2:
        raise InputError(
            f"{header}: expected two or more different class names. Received: {', '.join(classes)}"
        )
    with np.errstate(invalid="ignore"):
        valid = ((probabilities >= 0) & (probabilities <= 1)).all(axis=1)
        valid &= np.abs(probabilities.sum(axis=1, dtype=np.float64) - 1) <= SUM_TOLERANCE
    images, numbers = table["image"].tolist(), {name: n for n, name in enumerate(classes)}
    labels = table["label"].map(numbers | {"": -1})
    if not valid.all():
        row = int(valid.argmin())
        received = ", ".join(f"{value:g}" for value in probabilities[row])
        raise InputError(
            f"{places[row]}: {images[row]}: expected probabilities in [0, 1] that sum to 1. "
            f"Received: {received}"
        )
    if labels.hasnans:
        row = int(labels.isna().argmax())
        raise InputError(
            f"{places[row]}: {images[row]}: unknown label; expected {', '.join(classes)} or "
            f"nothing. Received: {table['label'].iloc[row]!r}"
        )
    if (again := table["image"].duplicated()).any():
        row = int(again.argmax())
        raise InputError(f"{places[row]}: expected each image once. Received again: {images[row]}")
    return Predictions(table, tuple(classes), labels.to_numpy(np.int64), probabilities)
