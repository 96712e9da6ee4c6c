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
"""The temperature is searched from 1 / SPAN to SPAN."""


def temperature(predictions: Predictions) -> float:
    """Return the temperature T at which `scaled(p, T)` has the highest likelihood.

    Fit it on val, never on test. T > 1 means that the network was overconfident.
    """
    labels, probabilities = predictions.labels, predictions.probabilities

    def cost(log_temperature: float) -> float:
        return float(_nll(labels, scaled(probabilities, float(np.exp(log_temperature)))).mean())

    best = minimize_scalar(cost, bounds=(-np.log(SPAN), np.log(SPAN)), method="bounded")
    return float(np.exp(best.x))


def scaled(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Return probabilities (N, K) with their logits divided by the temperature."""
    return softmax(np.log(np.clip(probabilities, LEAST, None)) / temperature, axis=1)


def calibration(predictions: Predictions, resamples: int = 2000, seed: int = 0) -> dict[str, dict]:
    """Return calibration metrics, each {value, low, high, method}.

    Returns:
        ece and adaptive_ece, the expected calibration error with bins of equal width and of equal
        size; brier, the Brier score as in scikit-learn (of two classes the second, else the sum
        over classes); nll, the mean negative log-likelihood in nats.
    """
    labels, probabilities = predictions.labels, predictions.probabilities
    clusters, size = predictions.clusters, int(predictions.clusters.max()) + 1
    confidence = probabilities.max(axis=1)
    gap = confidence - (predictions.predicted == labels)
    one_hot = np.eye(BINS)
    squares = (probabilities - np.eye(probabilities.shape[1])[labels]) ** 2
    brier = squares[:, 1:] if probabilities.shape[1] == 2 else squares.sum(axis=1, keepdims=True)
    summed = {
        "ece": one_hot[equal_width(confidence)] * gap[:, None],
        "adaptive_ece": one_hot[equal_size(confidence)] * gap[:, None],
        "brier": brier,
        "nll": _nll(labels, probabilities)[:, None],
    }
    images = np.bincount(clusters, minlength=size).astype(float)
    # Per cluster: the sum of (confidence - correct) in every bin, or of the score.
    sums = {
        name: np.stack([np.bincount(clusters, column, size) for column in values.T], axis=1)
        for name, values in summed.items()
    }
    drawn: dict[str, list[np.ndarray]] = {name: [] for name in sums}
    for weights in draws(size, resamples, len(labels), seed):
        for name, values in sums.items():
            drawn[name].append(np.abs(weights @ values).sum(axis=1) / (weights @ images))
    result = {}
    for name, values in sums.items():
        interval = percentile_interval(np.concatenate(drawn[name]), f"{predictions.unit} bootstrap")
        result[name] = interval.entry(float(np.abs(values.sum(axis=0)).sum() / len(labels)))
    return result


def equal_width(confidence: np.ndarray) -> np.ndarray:
    """Return the bin (N,) of each confidence among `BINS` of equal width on [0, 1]."""
    return np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)


def equal_size(confidence: np.ndarray) -> np.ndarray:
    """Return the bin (N,) of each confidence among `BINS` with equally many images."""
    ranks = np.argsort(np.argsort(confidence, kind="stable"))
    return ranks * BINS // len(confidence)


def _nll(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    return -np.log(np.clip(probabilities[np.arange(len(labels)), labels], LEAST, None))
