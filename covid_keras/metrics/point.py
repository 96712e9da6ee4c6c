"""What an operating point is, and how answers follow from it. NumPy only: `predict` starts fast."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np

LEAST = 1e-9
"""Smaller probabilities are raised to this, so that logarithms stay finite."""
TOP = 5
"""Images of a patient that the rule "top" averages for each class."""
RULES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "mean": lambda p: p.mean(axis=0),
    "top": lambda p: np.sort(p, axis=0)[-TOP:].mean(axis=0),
    "vote": lambda p: np.bincount(p.argmax(axis=1), minlength=p.shape[1]),
}
"""From a patient's probabilities (n, K) to scores (K,), which are then normalised: the mean over
images, the mean of each class's `TOP` highest, the number of images predicted as the class."""


@dataclass(frozen=True)
class OperatingPoint:
    """Fitted on the val split of one run."""

    temperature: float
    """Of temperature scaling; more than 1 if the network was overconfident."""
    threshold: float | None
    """With two classes: where sensitivity + specificity is highest on val (Youden 1950)."""
    patient_rule: str | None
    """One of `RULES`; None where patient-level scores are not possible."""
    images: int
    """Number of val images that it was fitted on."""

    def to_json(self) -> dict:
        """Return plain JSON values."""
        return {"fitted_on": "val", **asdict(self)}

    def predicted(self, probabilities: np.ndarray) -> np.ndarray:
        """Return the class (N,) int of probabilities (N, K) of a network, before scaling.

        That is the most probable one; with two classes the second if it is above the threshold.
        """
        if self.threshold is None:
            return probabilities.argmax(axis=1)
        return (probabilities[:, 1] > self.threshold).astype(int)

    def of_patient(self, probabilities: np.ndarray) -> np.ndarray:
        """Return a patient's scores (K,), which sum to 1, from those (n, K) of the images."""
        scores = RULES[self.patient_rule or "mean"](probabilities)
        return scores / scores.sum()


UNFITTED = OperatingPoint(temperature=1.0, threshold=None, patient_rule="mean", images=0)
"""Of a run without val: a threshold of 0.5, and the mean over a patient's images."""


def scaled(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Return probabilities (N, K) with their logits divided by the temperature."""
    logits = np.log(np.clip(probabilities, LEAST, None)) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
