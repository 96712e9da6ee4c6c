"""Scores within groups: by source, sex, age and view."""

import itertools

import pandas as pd

from covid_keras.metrics.predictions import Predictions
from covid_keras.metrics.scores import score

LEAST = 10
"""Groups with fewer images are not scored."""
AGES = (0, 40, 60, 80, 200)
"""Edges of the age groups in years."""


def score_groups(predictions: Predictions, attributes: pd.DataFrame, seed: int = 0) -> dict:
    """Return accuracy and macro AUC within groups.

    Args:
        predictions: Of N images.
        attributes: N rows in the same order, one column for each grouping; strings, "" where
            unknown. Columns with fewer than two groups of `LEAST` images are skipped.
        seed: Seed of the bootstrap.

    Returns:
        {column: {group: {images, patients, classes with images, accuracy, macro_auc}}}; macro_auc
        is None if a class has no image in the group.
    """
    result = {}
    for column in attributes:
        values = _age_groups(attributes[column]) if column == "age" else attributes[column]
        sizes = values[values != ""].value_counts()
        names = sorted(sizes[sizes >= LEAST].index)
        if len(names) > 1:
            groups = {name: predictions.take((values == name).to_numpy()) for name in names}
            result[column] = {name: _score(group, seed) for name, group in groups.items()}
    return result


def _score(group: Predictions, seed: int) -> dict:
    result = score(group, seed, resamples=1000)
    present = sorted(set(group.labels.tolist()))
    complete = len(present) == len(group.classes)
    return {
        "images": result["images"],
        "patients": result["patients"],
        "classes": [group.classes[k] for k in present],
        "accuracy": result["metrics"]["accuracy"],
        "macro_auc": result["metrics"]["macro_auc"] if complete else None,
    }


def _age_groups(column: pd.Series) -> pd.Series:
    """Return years as "40 to 59"; "" where the value is no number."""
    years = pd.to_numeric(column, errors="coerce")
    names = [f"{low} to {high - 1}" for low, high in itertools.pairwise(AGES)]
    cut = pd.cut(years, AGES, right=False, labels=names)
    return cut.astype("object").where(cut.notna(), "").astype("str")
