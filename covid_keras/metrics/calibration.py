"""Whether probabilities mean what they say: calibration errors, and one temperature from val.

After Guo et al. (2017): a confidence is the probability of the predicted class; a bin's error is
the distance between its mean confidence and its accuracy, weighted by its share of the images.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

from covid_keras.metrics.intervals import draws, percentile_interval
from covid_keras.metrics.predictions import Predictions

BINS = 15
LEAST = 1e-9
"""Probabilities below this count as this, so that logarithms stay finite."""
SPAN = 20.0
"""The temperature is looked for between 1/SPAN and SPAN."""
NAMES = ("ece", "adaptive_ece", "brier", "nll")


@dataclass(frozen=True)
class Reliability:
    """Bins of equal width, for the figure; empty bins are NaN."""

    confidence: np.ndarray
    """(BINS,) mean confidence."""
    accuracy: np.ndarray
    """(BINS,) share that is right."""
    images: np.ndarray
    """(BINS,)"""


def temperature(predictions: Predictions) -> float:
    """The temperature T that makes `scaled(p, T)` most likely; fit it on val, never on test.

    More than 1: the network was too sure of itself.
    """
    labels, probabilities = predictions.labels, predictions.probabilities

    def cost(log_temperature: float) -> float:
        return float(_nll(labels, scaled(probabilities, float(np.exp(log_temperature)))).mean())

    reach = np.log(SPAN)
    found = minimize_scalar(cost, bounds=(-reach, reach), method="bounded")
    return float(np.exp(found.x))


def scaled(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """(N, K) probabilities with their logits divided by the temperature."""
    logits = np.log(np.clip(probabilities, LEAST, None)) / temperature
    logits -= logits.max(axis=1, keepdims=True)
    exponentials = np.exp(logits)
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def calibration(
    labels: np.ndarray,
    probabilities: np.ndarray,
    clusters: np.ndarray,
    unit: str,
    resamples: int = 2000,
    seed: int = 0,
) -> dict[str, dict]:
    """Expected calibration error in bins of equal width and of equal size, Brier score, and mean
    negative log-likelihood in nats, each {value, low, high, method}.

    The Brier score is scikit-learn's: of the second class for two, and the sum over classes for
    more.

    Args:
        labels: (N,) int in [0, K).
        probabilities: (N, K).
        clusters: (N,) int, the patient of each image or `arange(N)`.
        unit: patient or image, what the clusters are.
    """
    confidence = probabilities.max(axis=1)
    surprise = confidence - (probabilities.argmax(axis=1) == labels)
    binned = {"ece": equal_width(confidence), "adaptive_ece": equal_size(confidence)}
    means = {"brier": _brier(labels, probabilities), "nll": _nll(labels, probabilities)}
    size = int(clusters.max()) + 1
    images = np.bincount(clusters, minlength=size).astype(float)
    # per cluster: the sum of (confidence - right) in every bin, or of the score
    sums = {
        name: np.stack(
            [np.bincount(clusters, surprise * (bins == b), size) for b in range(BINS)], axis=1
        )
        for name, bins in binned.items()
    }
    sums |= {name: np.bincount(clusters, score, size)[:, None] for name, score in means.items()}
    found = {}
    parts: dict[str, list[np.ndarray]] = {name: [] for name in NAMES}
    for weights in draws(size, resamples, len(labels), seed):
        for name in NAMES:
            parts[name].append(np.abs(weights @ sums[name]).sum(axis=1) / (weights @ images))
    for name in NAMES:
        value = float(np.abs(sums[name].sum(axis=0)).sum() / len(labels))
        interval = percentile_interval(np.concatenate(parts[name]), f"{unit} bootstrap")
        found[name] = interval.entry(value)
    return found


def reliability(labels: np.ndarray, probabilities: np.ndarray) -> Reliability:
    """Bins of equal width of the confidence."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    bins = equal_width(confidence)
    images = np.bincount(bins, minlength=BINS)
    with np.errstate(invalid="ignore"):
        means = [np.bincount(bins, values, BINS) / images for values in (confidence, right)]
    return Reliability(*means, images)


def equal_width(confidence: np.ndarray) -> np.ndarray:
    """(N,) int: the bin of each confidence among `BINS` of equal width on [0, 1]."""
    return np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)


def equal_size(confidence: np.ndarray) -> np.ndarray:
    """(N,) int: the bin of each confidence among `BINS` that hold as many images each."""
    order = np.argsort(confidence, kind="stable")
    bins = np.empty(len(confidence), int)
    bins[order] = np.arange(len(confidence)) * BINS // len(confidence)
    return bins


def _brier(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    true = np.eye(probabilities.shape[1])[labels]
    squares = (probabilities - true) ** 2
    return squares[:, 1] if probabilities.shape[1] == 2 else squares.sum(axis=1)


def _nll(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    return -np.log(np.clip(probabilities[np.arange(len(labels)), labels], LEAST, None))
