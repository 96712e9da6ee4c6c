"""Calibration: errors between confidence and accuracy, and temperature scaling.

After Guo et al. (2017): the confidence is the probability of the predicted class; the error of a
bin is the distance between its mean confidence and its accuracy, weighted by its share of images.
"""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import softmax

from covid_keras.metrics.intervals import draws, percentile_interval
from covid_keras.metrics.predictions import Predictions

BINS = 15
LEAST = 1e-9
"""Smaller probabilities are raised to this, so that logarithms stay finite."""
SPAN = 20.0
"""The temperature is searched between 1/SPAN and SPAN."""
NAMES = ("ece", "adaptive_ece", "brier", "nll")


def temperature(predictions: Predictions) -> float:
    """Return the temperature T at which `scaled(p, T)` has the highest likelihood.

    Fit it on val, never on test. T > 1 means that the network was overconfident.
    """
    labels, probabilities = predictions.labels, predictions.probabilities

    def cost(log_temperature: float) -> float:
        return float(_nll(labels, scaled(probabilities, float(np.exp(log_temperature)))).mean())

    reach = np.log(SPAN)
    best = minimize_scalar(cost, bounds=(-reach, reach), method="bounded")
    return float(np.exp(best.x))


def scaled(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Return probabilities (N, K) with their logits divided by the temperature."""
    return softmax(np.log(np.clip(probabilities, LEAST, None)) / temperature, axis=1)


def calibration(predictions: Predictions, resamples: int = 2000, seed: int = 0) -> dict[str, dict]:
    """Return calibration metrics, each {value, low, high, method}.

    Returns:
        ece and adaptive_ece, the expected calibration error with bins of equal width and of equal
        size; brier, the Brier score as scikit-learn computes it (of the second class for two
        classes, else the sum over classes); nll, the mean negative log-likelihood in nats.
    """
    labels, probabilities = predictions.labels, predictions.probabilities
    clusters = predictions.clusters
    confidence = probabilities.max(axis=1)
    gap = confidence - (predictions.predicted == labels)
    binned = {"ece": equal_width(confidence), "adaptive_ece": equal_size(confidence)}
    means = {"brier": _brier(labels, probabilities), "nll": _nll(labels, probabilities)}
    size = int(clusters.max()) + 1
    images = np.bincount(clusters, minlength=size).astype(float)
    # Per cluster: the sum of (confidence - correct) in every bin, or of the score.
    sums = {
        name: np.stack(
            [np.bincount(clusters, gap * (bins == b), size) for b in range(BINS)], axis=1
        )
        for name, bins in binned.items()
    }
    sums |= {name: np.bincount(clusters, value, size)[:, None] for name, value in means.items()}
    drawn: dict[str, list[np.ndarray]] = {name: [] for name in NAMES}
    for weights in draws(size, resamples, len(labels), seed):
        for name in NAMES:
            drawn[name].append(np.abs(weights @ sums[name]).sum(axis=1) / (weights @ images))
    result = {}
    for name in NAMES:
        value = float(np.abs(sums[name].sum(axis=0)).sum() / len(labels))
        interval = percentile_interval(np.concatenate(drawn[name]), f"{predictions.unit} bootstrap")
        result[name] = interval.entry(value)
    return result


def equal_width(confidence: np.ndarray) -> np.ndarray:
    """Return the bin (N,) of each confidence among `BINS` of equal width on [0, 1]."""
    return np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)


def equal_size(confidence: np.ndarray) -> np.ndarray:
    """Return the bin (N,) of each confidence among `BINS` with equally many images."""
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
