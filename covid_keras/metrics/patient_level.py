"""Patient-level predictions: one probability per class for every patient."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from covid_keras.metrics.classification import count_metrics
from covid_keras.metrics.predictions import FIXED_COLUMNS, Predictions
from covid_keras.utils.errors import InputError

TOP = 5
"""Images of a patient that the rule "top" averages for each class."""


def _mean(probabilities: np.ndarray) -> np.ndarray:
    return probabilities.mean(axis=0)


def _top(probabilities: np.ndarray) -> np.ndarray:
    return np.sort(probabilities, axis=0)[-TOP:].mean(axis=0)


def _vote(probabilities: np.ndarray) -> np.ndarray:
    return np.bincount(probabilities.argmax(axis=1), minlength=probabilities.shape[1])


RULES: dict[str, Callable[[np.ndarray], np.ndarray]] = {"mean": _mean, "top": _top, "vote": _vote}
"""From a patient's probabilities (n, K) to scores (K,), which are then normalised: the mean over
images, the mean of each class's `TOP` highest, the number of images predicted as the class."""


def is_possible(predictions: Predictions) -> bool:
    """Return whether every image has a patient id and some patient has one label only."""
    if not predictions.has_patients:
        return False
    labels = pd.Series(predictions.labels).groupby(predictions.patients)
    return bool(((labels.min() == labels.max()) & (labels.min() >= 0)).any())


def by_patient(predictions: Predictions, rule: str) -> tuple[Predictions, int]:
    """Return one row per patient, and the number of patients that were left out.

    Patients are left out if their images have several labels or none.

    Args:
        predictions: Every image with a patient id.
        rule: One of `RULES`.

    Raises:
        InputError: An image without a patient id, or no patient with one label.
    """
    if not predictions.has_patients:
        raise InputError("patient level: expected a patient id for every image. Received: none")
    names, index = np.unique(predictions.patients, return_inverse=True)
    order = np.argsort(index, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(index[order])) + 1)
    kept = [
        (name, rows)
        for name, rows in zip(names, groups, strict=True)
        if _has_one_label(predictions.labels[rows])
    ]
    if not kept:
        raise InputError("patient level: expected patients whose images have one label")
    scores = np.stack([RULES[rule](predictions.probabilities[rows]) for _, rows in kept])
    first = [rows[0] for _, rows in kept]
    table = predictions.table.iloc[first].reset_index(drop=True)
    table = table.assign(image=pd.Series([name for name, _ in kept], dtype="str"))
    return (
        Predictions(
            table[list(FIXED_COLUMNS)],
            predictions.classes,
            predictions.labels[first],
            scores / scores.sum(axis=1, keepdims=True),
        ),
        len(names) - len(kept),
    )


def choose(val: Predictions) -> str:
    """Return the rule with the highest balanced accuracy on val's patients; the first of equals."""
    return max(RULES, key=lambda rule: _balanced_accuracy(by_patient(val, rule)[0]))


def _has_one_label(labels: np.ndarray) -> bool:
    return bool(labels[0] >= 0 and (labels == labels[0]).all())


def _balanced_accuracy(predictions: Predictions) -> float:
    return float(np.nanmean(count_metrics(predictions.confusion_matrix)["sensitivity"]))
