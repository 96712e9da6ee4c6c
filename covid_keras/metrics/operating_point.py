"""The operating point: temperature, threshold and patient rule, fitted on val and then fixed."""

from dataclasses import asdict, dataclass, replace

import numpy as np

from covid_keras.metrics import patient_level
from covid_keras.metrics.calibration import LEAST, calibration, scaled, temperature
from covid_keras.metrics.predictions import Predictions
from covid_keras.metrics.scores import score
from covid_keras.utils.errors import InputError

KEPT = ("patients", "confusion_matrix", "metrics", "per_class", "intervals", "notes")
"""What is kept of the scores at the operating point."""


@dataclass(frozen=True)
class OperatingPoint:
    """Fitted on the val split of one run."""

    temperature: float
    """Of temperature scaling; more than 1 if the network was overconfident."""
    threshold: float | None
    """With two classes: where sensitivity + specificity is highest on val (Youden 1950)."""
    patient_rule: str | None
    """One of `patient_level.RULES`; None where patient-level scores are not possible."""
    images: int
    """Number of val images that it was fitted on."""

    def to_json(self) -> dict:
        """Return plain JSON values."""
        return {"fitted_on": "val", **asdict(self)}


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
        patient_rule=patient_level.choose(val) if patient_level.is_possible(val) else None,
        images=len(val.labels),
    )


def apply(point: OperatingPoint, predictions: Predictions, seed: int = 0) -> dict:
    """Return the results of a set at the operating point, ready for JSON.

    Returns:
        `calibration` {temperature, before, after}; with two classes `at_threshold` {threshold, and
        `score`'s metrics}; with patient ids `patient_level` {rule, left_out, and `score`'s metrics
        by patient}.
    """
    after = scaled(predictions.probabilities, point.temperature)
    result: dict[str, dict] = {
        "calibration": {
            "temperature": point.temperature,
            "before": calibration(predictions, seed=seed),
            "after": calibration(replace(predictions, probabilities=after), seed=seed),
        }
    }
    if point.threshold is not None:
        moved = score(at_threshold(predictions, point.threshold), seed)
        result["at_threshold"] = {"threshold": point.threshold} | {k: moved[k] for k in KEPT}
    if point.patient_rule is not None and patient_level.is_possible(predictions):
        patients, left_out = patient_level.by_patient(predictions, point.patient_rule)
        scores = score(patients, seed)
        level = {"rule": point.patient_rule, "left_out": left_out}
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
