"""Scores within each source, sex, age and view: where a network works and where it does not."""

import itertools
from collections.abc import Mapping

import numpy as np
import pandas as pd

from covid_keras.metrics.predictions import Predictions
from covid_keras.metrics.scores import evaluate

LEAST = 10
"""Groups of fewer images are not scored."""
AGES = (0, 40, 60, 80, 200)
"""Edges of the age groups in years."""
RESAMPLES = 1000


def grouped(predictions: Predictions, attributes: pd.DataFrame, seed: int = 0) -> dict:
    """Accuracy and macro AUC within groups.

    Args:
        predictions: N images.
        attributes: N rows in the same order, a column for each way of grouping; strings, "" where
            not known. Columns in which fewer than two groups are known say nothing.

    Returns:
        {column: {group: {images, patients, classes with images, accuracy, macro_auc}}}; the AUC
        is None where only one class is there.
    """
    found = {}
    for column in attributes:
        values = _ages(attributes[column]) if column == "age" else attributes[column]
        sizes = values[values != ""].value_counts()
        names = sorted(sizes[sizes >= LEAST].index)
        if len(names) > 1:
            found[column] = {
                name: _group(predictions, (values == name).to_numpy(), seed) for name in names
            }
    return found


def lines(found: Mapping[str, Mapping[str, dict]], percent) -> list[str]:
    """A line a group, for people; `percent` writes one metric."""
    said = []
    for column, groups in found.items():
        for name, result in groups.items():
            area = percent(result["macro_auc"]) if result["macro_auc"] else "one class only"
            said.append(
                f"{column} {name}: {result['images']:,} images, accuracy"
                f" {percent(result['accuracy'])}, macro AUC {area}"
            )
    return said


def _group(predictions: Predictions, rows: np.ndarray, seed: int) -> dict:
    part = predictions.take(rows)
    result = evaluate(part, seed, RESAMPLES)
    present = sorted(set(part.labels.tolist()))
    whole = len(present) == len(predictions.classes)
    return {
        "images": result["images"],
        "patients": result["patients"],
        "classes": [predictions.classes[k] for k in present],
        "accuracy": result["metrics"]["accuracy"],
        "macro_auc": result["metrics"]["macro_auc"] if whole else None,
    }


def _ages(column: pd.Series) -> pd.Series:
    """Years as "40 to 59"; "" where it is no number."""
    years = pd.to_numeric(column, errors="coerce")
    names = [f"{low} to {high - 1}" for low, high in itertools.pairwise(AGES)]
    cut = pd.cut(years, AGES, right=False, labels=names)
    return cut.astype("object").where(cut.notna(), "").astype("str")
