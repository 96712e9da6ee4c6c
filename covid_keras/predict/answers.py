"""The answers of `predict`: one row per image, as a table, CSV or JSON lines."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from covid_keras.utils.errors import InputError
from covid_keras.utils.files import make_folder, write_text
from covid_keras.utils.text import csv_text

FORMATS = (".csv", ".jsonl")
KNOWN = ("image", "patient", "source")
"""Columns of the records that the answers keep."""


def answers(
    records: pd.DataFrame, outputs: np.ndarray, classes: Sequence[str], problems: dict[int, str]
) -> pd.DataFrame:
    """Return the columns `KNOWN`, predicted, a probability per class, and problem.

    Args:
        records: of N images.
        outputs: float32 (N, K) probabilities.
        problems: {position of an image that could not be read: why}; its row has no answer.
    """
    outputs, lost = outputs.copy(), list(problems)
    outputs[lost] = np.nan
    predicted = np.asarray(classes, dtype=object)[outputs.argmax(axis=1)]
    predicted[lost] = ""
    known = records[list(KNOWN)].assign(predicted=predicted)
    columns = pd.DataFrame(outputs, known.index, classes)
    reasons = [problems.get(place, "") for place in range(len(known))]
    return pd.concat([known, columns], axis=1).assign(problem=reasons)


def check_out(out: Path, overwrite: bool) -> None:
    """Raise InputError where the answers cannot go, before anything is predicted."""
    if out.is_dir():
        raise InputError(f"{out}: expected a file to write. Received: a folder")
    if out.suffix.lower() not in FORMATS:
        expected = f"a name that ends in {' or '.join(FORMATS)}"
        raise InputError(f"{out}: expected {expected}. Received: {out.name}")
    if out.exists() and not overwrite:
        raise InputError(f"{out}: exists already; give another --out, or --overwrite")
    make_folder(out.parent)


def check_pictures(folder: Path, overwrite: bool) -> None:
    """Raise InputError where a folder for pictures is a file, or not empty."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: expected a folder for pictures. Received: a file")
    if folder.exists() and any(folder.iterdir()) and not overwrite:
        raise InputError(f"{folder}: holds files already; give another --gradcam, or --overwrite")


def write_answers(out: Path, table: pd.DataFrame, classes: Sequence[str]) -> None:
    """Write the table of `answers` as CSV, or as one JSON object a line, by the name's suffix."""
    if out.suffix.lower() == ".csv":
        write_text(out, csv_text(table, float_format="%.9g"))
        return
    lines = []
    for row in table.to_dict("records"):
        numbers = {name: float(f"{row.pop(name):.9g}") for name in classes}
        numbers = None if row["problem"] else numbers
        lines.append(json.dumps(row | {"probabilities": numbers}, ensure_ascii=False))
    write_text(out, "".join(f"{line}\n" for line in lines))
