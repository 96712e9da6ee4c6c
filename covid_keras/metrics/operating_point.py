"""The operating point: temperature, threshold and patient rule, fitted on val and then fixed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

import numpy as np
import pandas as pd

from covid_keras.metrics.calibration import calibration, temperature
from covid_keras.metrics.classification import count_metrics
from covid_keras.metrics.point import LEAST, RULES, OperatingPoint, scaled
from covid_keras.metrics.predictions import Predictions
from covid_keras.metrics.scores import score
from covid_keras.utils.errors import InputError

KEPT = ("patients", "confusion_matrix", "metrics", "per_class", "intervals", "notes")
"""What is kept of the scores at the operating point."""


def fit(val: Predictions) -> OperatingPoint:
    """Fit the operating point on val. Never call it with test.

    Raises:
        InputError: An image without a label.
    """
    if (val.labels < 0).any():
        raise InputError("operating point: expected a label for every image of val")
    return OperatingPoint(
        temperature=temperature(val),
        threshold=youden(val) if len(val.classes) == 2 else None,
        patient_rule=choose_rule(val) if has_patient_level(val) else None,
        images=len(val.labels),
    )


@dataclass(frozen=True)
class Moved:
    """What an operating point makes of a set of predictions."""

    images: Predictions
    """As predicted."""
    scaled: Predictions | None = None
    """After temperature scaling."""
    decided: Predictions | None = None
    """With the threshold moved to 0.5; None without one."""
    patients: Predictions | None = None
    """One row per patient; None without a patient level."""
    left_out: int = 0
    """Patients that have no row, see `by_patient`."""


def move(point: OperatingPoint | None, predictions: Predictions) -> Moved:
    """Return a set of predictions at the operating point; as they are without one."""
    if point is None:
        return Moved(predictions)
    after = scaled(predictions.probabilities, point.temperature)
    decided, patients, left_out = None, None, 0
    if point.threshold is not None:
        decided = at_threshold(predictions, point.threshold)
    if point.patient_rule is not None and has_patient_level(predictions):
        patients, left_out = by_patient(predictions, point.patient_rule)
    after = replace(predictions, probabilities=after)
    return Moved(predictions, after, decided, patients, left_out)


def joined(parts: Sequence[Moved]) -> Moved:
    """Return sets that were moved one by one as one set, without what one of them lacks."""
    sets = {
        name: [getattr(part, name) for part in parts]
        for name in ("images", "scaled", "decided", "patients")
    }
    whole = {n: Predictions.of_folds(each) if all(each) else None for n, each in sets.items()}
    return Moved(**whole, left_out=sum(part.left_out for part in parts))


def typical(points: Sequence[OperatingPoint]) -> OperatingPoint:
    """Return the medians of several folds' operating points, and all of their patient rules.

    For words only: each fold's images were moved by the fold's own operating point.
    """
    thresholds = [point.threshold for point in points if point.threshold is not None]
    rules = dict.fromkeys(point.patient_rule for point in points if point.patient_rule)
    return OperatingPoint(
        temperature=median(point.temperature for point in points),
        threshold=median(thresholds) if thresholds else None,
        patient_rule=" or ".join(rules) or None,
        images=sum(point.images for point in points),
    )


def apply(
    point: OperatingPoint, predictions: Predictions, seed: int = 0, resamples: int = 2000
) -> dict:
    """Return the results of a set at the operating point, as `results` does."""
    return results(move(point, predictions), point, seed, resamples)


def results(moved: Moved, point: OperatingPoint, seed: int = 0, resamples: int = 2000) -> dict:
    """Return the scores of a moved set, ready for JSON.

    Args:
        point: where it was moved to.
        seed, resamples: of the bootstrap of the calibration error.

    Returns:
        `calibration` {temperature, before, after}; with two classes `at_threshold` {threshold, and
        `score`'s metrics}; with patient ids `patient_level` {rule, left_out, and `score`'s metrics
        by patient}.
    """
    result: dict[str, dict] = {
        "calibration": {
            "temperature": point.temperature,
            "before": calibration(moved.images, resamples, seed),
            "after": calibration(moved.scaled or moved.images, resamples, seed),
        }
    }
    if moved.decided:
        scores = score(moved.decided)
        result["at_threshold"] = {"threshold": point.threshold} | {k: scores[k] for k in KEPT}
    if moved.patients:
        scores = score(moved.patients)
        level = {"rule": point.patient_rule, "left_out": moved.left_out}
        result["patient_level"] = level | {k: scores[k] for k in KEPT}
    return result


def youden(predictions: Predictions) -> float:
    """Return the threshold with the highest sensitivity + specificity.

    Candidates lie midway between neighbouring probabilities. Of equals the one nearest to 0.5 is
    taken; 0.5 if a class has no image.
    """
    scores, positive = predictions.probabilities[:, 1], predictions.labels == 1
    if positive.all() or not positive.any():
        return 0.5
    values = np.unique(scores)
    cuts = np.append((values[1:] + values[:-1]) / 2, 0.5)
    ill, well = (np.sort(scores[rows]) for rows in (positive, ~positive))
    gain = np.searchsorted(well, cuts) / len(well) - np.searchsorted(ill, cuts) / len(ill)
    best = cuts[gain >= gain.max() - 1e-12]
    return float(best[np.abs(best - 0.5).argmin()])


def at_threshold(predictions: Predictions, threshold: float) -> Predictions:
    """Shift the odds of two classes so that `threshold` becomes 0.5; the ranking stays."""
    p = np.clip(predictions.probabilities[:, 1], LEAST, 1 - LEAST)
    odds = p / (1 - p) * (1 - threshold) / threshold
    moved = odds / (1 + odds)
    return replace(predictions, probabilities=np.stack([1 - moved, moved], axis=1))


def has_patient_level(predictions: Predictions) -> bool:
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


def choose_rule(val: Predictions) -> str:
    """Return the rule with the highest balanced accuracy on val's patients; the first of equals."""

    def balanced_accuracy(rule: str) -> float:
        patients, _ = by_patient(val, rule)
        return float(np.nanmean(count_metrics(patients.confusion_matrix)["sensitivity"]))

    return max(RULES, key=balanced_accuracy)


def _has_one_label(predictions: Predictions) -> pd.Series:
    """Return by patient whether all images have the same known label."""
    labels = pd.Series(predictions.labels).groupby(predictions.patients)
    return (labels.min() == labels.max()) & (labels.min() >= 0)
