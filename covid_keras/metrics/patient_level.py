"""Patient-level predictions: one probability per class for every patient."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from covid_keras.metrics.classification import count_metrics
from covid_keras.metrics.predictions import Predictions
from covid_keras.utils.errors import InputError

TOP = 5
"""Images of a patient that the rule "top" averages for each class."""
RULES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "mean": lambda p: p.mean(axis=0),
    "top": lambda p: np.sort(p, axis=0)[-TOP:].mean(axis=0),
    "vote": lambda p: np.bincount(p.argmax(axis=1), minlength=p.shape[1]),
}
"""From a patient's probabilities (n, K) to scores (K,), which are then normalised: the mean over
images, the mean of each class's `TOP` highest, the number of images predicted as the class."""


def is_possible(predictions: Predictions) -> bool:
    """Return whether every image has a patient id and some patient has one label only."""
    return predictions.has_patients and bool(_has_one_label(predictions).any())


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
    kept = _has_one_label(predictions)
    if not kept.any():
        raise InputError("patient level: expected patients whose images have one label")
    patients = predictions.patients
    groups = pd.DataFrame(predictions.probabilities).groupby(patients)
    scores = np.stack([RULES[rule](rows.to_numpy()) for name, rows in groups if kept[name]])
    first = pd.Series(np.arange(len(patients))).groupby(patients).first()[kept].to_numpy()
    by_patient = predictions.take(first)
    table = by_patient.table.assign(image=by_patient.table["patient"])
    probabilities = scores / scores.sum(axis=1, keepdims=True)
    return replace(by_patient, table=table, probabilities=probabilities), int((~kept).sum())


def choose(val: Predictions) -> str:
    """Return the rule with the highest balanced accuracy on val's patients; the first of equals."""

    def balanced_accuracy(rule: str) -> float:
        patients, _ = by_patient(val, rule)
        return float(np.nanmean(count_metrics(patients.confusion_matrix)["sensitivity"]))

    return max(RULES, key=balanced_accuracy)


def _has_one_label(predictions: Predictions) -> pd.Series:
    """Return by patient whether all images have the same known label."""
    labels = pd.Series(predictions.labels).groupby(predictions.patients)
    return (labels.min() == labels.max()) & (labels.min() >= 0)
