"""All metrics of a set of predictions and of its groups, as metrics.json holds them."""

import itertools

import numpy as np
import pandas as pd

from covid_keras.metrics.intervals import (
    FEW_UNITS,
    Estimate,
    auc_estimate,
    mean_estimate,
    ratio_estimate,
)
from covid_keras.metrics.predictions import Predictions
from covid_keras.utils.errors import InputError
from covid_keras.utils.text import count

METRICS = {
    "sensitivity": "sensitivity",
    "ppv": "PPV",
    "specificity": "specificity",
    "npv": "NPV",
    "f1": "F1",
    "auc": "AUC",
}
"""{key of a per-class metric: its name in text}."""
UNDEFINED = "Undefined, as images or predictions of a class are missing"
OVERALL = {"accuracy": "accuracy", "macro_f1": "macro F1", "macro_auc": "macro AUC"}
"""{key of an overall metric: its name in text}."""
LEAST_IMAGES = 10
"""Groups with fewer images are not scored."""
AGES = (0, 40, 60, 80, 200)
"""Edges of the age groups in years."""


def score(predictions: Predictions) -> dict:
    """Return all metrics of a set, each image counting once, ready for JSON.

    Args:
        predictions: Every image with a label.

    Returns:
        images, patients (None without ids), classes, images_per_class, patients_per_class,
        confusion_matrix (rows: true class), `metrics` {accuracy, macro_f1, macro_auc} and
        `per_class` {class: {sensitivity, ppv, specificity, npv, f1, auc}}, each
        {value, low, high, method} as fractions in [0, 1], None where undefined; `intervals`, a
        sentence on how the intervals were made; `notes`, sentences on unreliable values.

    Raises:
        InputError: An image without a label.
    """
    unlabelled = int((predictions.labels < 0).sum())
    if unlabelled or not len(predictions.labels):
        raise InputError(
            f"metrics: expected a label for every image. Received: {unlabelled} of "
            f"{len(predictions.labels)} images without one"
        )
    found, unit = estimates(predictions), predictions.unit
    labels, classes = predictions.labels, list(enumerate(predictions.classes))
    metrics = {name: found[name].entry(unit) for name in OVERALL}
    per_class = {c: {name: found[name][k].entry(unit) for name in METRICS} for k, c in classes}
    titles = metrics | {f"{n} of {c}": e for c, part in per_class.items() for n, e in part.items()}
    undefined = [title for title, entry in titles.items() if entry["value"] is None]
    by_patient = predictions.has_patients
    patients = {c: len(np.unique(predictions.clusters[labels == k])) for k, c in classes}
    return {
        "images": len(labels),
        "patients": int(predictions.clusters.max()) + 1 if by_patient else None,
        "classes": list(predictions.classes),
        "images_per_class": {c: int((labels == k).sum()) for k, c in classes},
        "patients_per_class": patients if by_patient else None,
        "confusion_matrix": predictions.confusion_matrix.tolist(),
        "metrics": metrics,
        "per_class": per_class,
        "intervals": _method(predictions),
        "notes": [f"{UNDEFINED}: {', '.join(undefined)}"] if undefined else [],
    }


def score_groups(predictions: Predictions, attributes: pd.DataFrame) -> dict:
    """Return accuracy and macro AUC within groups.

    Args:
        predictions: Of N images.
        attributes: N rows in the same order, one column for each grouping; strings, "" where
            unknown. Columns with fewer than two groups of `LEAST_IMAGES` images are skipped.

    Returns:
        {column: {group: {images, patients, classes with images, accuracy, macro_auc}}}; macro_auc
        is None if a class has no image in the group.
    """
    result = {}
    for column in attributes:
        values = age_groups(attributes[column]) if column == "age" else attributes[column]
        sizes = values[values != ""].value_counts()
        names = sorted(sizes[sizes >= LEAST_IMAGES].index)
        if len(names) > 1:
            groups = {name: predictions.take((values == name).to_numpy()) for name in names}
            result[column] = {name: _score_group(group) for name, group in groups.items()}
    return result


def estimates(predictions: Predictions) -> dict[str, Estimate | list[Estimate]]:
    """Return every metric with the influence of each patient; per-class ones as lists.

    Predictive values and F1 of a class are undefined without images of it, and predictive values
    without images of others too: they would follow from the choice of images alone.
    """
    labels, called, clusters = predictions.labels, predictions.predicted, predictions.clusters
    classes = range(len(predictions.classes))
    parts: dict[str, list[Estimate]] = {name: [] for name in METRICS}
    for k in classes:
        true, positive = labels == k, called == k
        both, neither = true & positive, ~true & ~positive
        mixed = true.any() and not true.all()
        parts["sensitivity"].append(ratio_estimate(both, true, clusters))
        parts["ppv"].append(ratio_estimate(both, positive & mixed, clusters))
        parts["specificity"].append(ratio_estimate(neither, ~true, clusters))
        parts["npv"].append(ratio_estimate(neither, ~positive & mixed, clusters))
        called_or_true = (1 * true + positive) * true.any()
        parts["f1"].append(ratio_estimate(2 * both, called_or_true, clusters))
        scores = predictions.probabilities[:, k]
        parts["auc"].append(auc_estimate(true, scores, clusters, predictions.folds))
    return parts | {
        "accuracy": ratio_estimate(labels == called, np.ones(len(labels)), clusters),
        "macro_f1": mean_estimate(parts["f1"]),
        "macro_auc": mean_estimate(parts["auc"]),
    }


def _method(predictions: Predictions) -> str:
    """Return a sentence on how the intervals were made."""
    units = count(int(predictions.clusters.max()) + 1, predictions.unit)
    how = f"95 % intervals: from the influence of each of {units}, with Student's quantiles"
    if len(set(predictions.folds)) > 1:
        how += "; AUC compares images of one fold only"
    if predictions.has_patients:
        return f"{how}; unreliable: fewer than {FEW_UNITS} patients"
    unknown = "not every image" if (predictions.patients != "").any() else "no image"
    return (
        f"{how}; {unknown} has a patient id, so images count as independent and the intervals"
        " are too narrow"
    )


def _score_group(group: Predictions) -> dict:
    result = score(group)
    present = sorted(set(group.labels.tolist()))
    complete = len(present) == len(group.classes)
    return {
        "images": result["images"],
        "patients": result["patients"],
        "classes": [group.classes[k] for k in present],
        "accuracy": result["metrics"]["accuracy"],
        "macro_auc": result["metrics"]["macro_auc"] if complete else None,
    }


def age_groups(column: pd.Series) -> pd.Series:
    """Return years as "40 to 59"; "" where the value is no number."""
    years = pd.to_numeric(column, errors="coerce")
    names = [f"{low} to {high - 1}" for low, high in itertools.pairwise(AGES)]
    cut = pd.cut(years, AGES, right=False, labels=names)
    return cut.astype("object").where(cut.notna(), "").astype("str")
