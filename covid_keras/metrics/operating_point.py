"""What is fitted on val and then held: temperature, threshold, and how images make a patient.

Nothing here ever sees test.
"""

from dataclasses import asdict, dataclass, replace

import numpy as np

from covid_keras.metrics import patient_level
from covid_keras.metrics.calibration import LEAST, temperature
from covid_keras.metrics.predictions import Predictions
from covid_keras.utils.errors import InputError


@dataclass(frozen=True)
class OperatingPoint:
    """Fitted on one run's val split."""

    temperature: float
    """Of temperature scaling; more than 1 where the network was too sure of itself."""
    threshold: float | None
    """Two classes only: the least probability of the second class that is called so, where
    sensitivity + specificity is highest (Youden 1950)."""
    patient_rule: str | None
    """Of `patient_level.RULES`; None where an image has no patient id, or no patient one label."""
    images: int
    """Of val, that it was fitted on."""

    def to_json(self) -> dict:
        """Plain JSON values."""
        return {"fitted_on": "val", **asdict(self)}


def fit(val: Predictions) -> OperatingPoint:
    """Fit all of it.

    Raises:
        InputError: an image without a label.
    """
    if (val.labels < 0).any():
        raise InputError("operating point: expected a label for every image of val")
    return OperatingPoint(
        temperature=temperature(val),
        threshold=youden(val) if len(val.classes) == 2 else None,
        patient_rule=patient_level.choose(val) if patient_level.has_whole(val) else None,
        images=len(val.labels),
    )


def youden(predictions: Predictions) -> float:
    """The threshold between two neighbouring probabilities with the highest sensitivity +
    specificity; the one nearest to 0.5 among equals, and 0.5 where a class has no image."""
    scores, positive = predictions.probabilities[:, 1], predictions.labels == 1
    if positive.all() or not positive.any():
        return 0.5
    values = np.unique(scores)
    cuts = np.append((values[1:] + values[:-1]) / 2, 0.5)
    ordered = [np.sort(scores[rows]) for rows in (positive, ~positive)]
    sensitivity, missed = (1 - np.searchsorted(rows, cuts) / len(rows) for rows in ordered)
    gain = sensitivity - missed
    best = cuts[gain >= gain.max() - 1e-12]
    return float(best[np.abs(best - 0.5).argmin()])


def at_threshold(predictions: Predictions, threshold: float) -> Predictions:
    """Two classes: the same ranking, with the odds moved so that `threshold` becomes 0.5."""
    p = np.clip(predictions.probabilities[:, 1], LEAST, 1 - LEAST)
    odds = p / (1 - p) * (1 - threshold) / threshold
    moved = odds / (1 + odds)
    return replace(predictions, probabilities=np.stack([1 - moved, moved], axis=1))
