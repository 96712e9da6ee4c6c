"""Calibration: errors between confidence and accuracy, and temperature scaling.

After Guo et al. (2017): the confidence is the probability of the predicted class; the error of a
bin is the distance between its mean confidence and its accuracy, weighted by its share of images.
"""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import stdtrit

from covid_keras.metrics.intervals import (
    LEVEL,
    Estimate,
    Interval,
    draws,
    percentile_interval,
    ratio_estimate,
)
from covid_keras.metrics.point import LEAST, scaled
from covid_keras.metrics.predictions import Predictions

BINS = 15
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
    brier = squares[:, 1] if probabilities.shape[1] == 2 else squares.sum(axis=1)
    each = np.ones(len(labels))
    summed = {
        "ece": one_hot[equal_width(confidence)] * gap[:, None],
        "adaptive_ece": one_hot[equal_size(confidence)] * gap[:, None],
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
    # Halved for more than two classes, whose Brier score is up to 2.
    scale = 1 if probabilities.shape[1] == 2 else 2
    half = ratio_estimate(brier / scale, each, clusters, "mean").entry(predictions.unit)
    bounds = {key: half[key] and scale * half[key] for key in ("value", "low", "high")}
    nll = ratio_estimate(_nll(labels, probabilities), each, clusters, "mean")
    return result | {"brier": half | bounds, "nll": _log_entry(nll, predictions.unit)}


def reliability(predictions: Predictions) -> list[dict]:
    """Return the bins of a reliability diagram that have images, in order of confidence.

    Returns:
        images; confidence, its mean in the bin; accuracy {value, low, high, method}, by patient.
    """
    confidence = predictions.probabilities.max(axis=1)
    correct, bins = predictions.predicted == predictions.labels, equal_width(confidence)
    result = []
    for number in np.unique(bins):
        inside = bins == number
        clusters = np.unique(predictions.clusters[inside], return_inverse=True)[1]
        accuracy = ratio_estimate(correct[inside], np.ones(inside.sum()), clusters)
        mean = float(confidence[inside].mean())
        entry = accuracy.entry(predictions.unit)
        result.append({"images": int(inside.sum()), "confidence": mean, "accuracy": entry})
    return result


def _log_entry(nll: Estimate, unit: str) -> dict:
    """Return the mean log-likelihood with its interval on the log scale: it has no upper bound."""
    if nll.units < 2 or nll.value <= 0:
        return Interval(None, None, f"none: one {unit} only").entry(nll.value)
    reach = stdtrit(nll.units - 1, (1 + LEVEL) / 2) * np.sqrt(nll.variance) / nll.value
    bounds = nll.value * np.exp(-reach), nll.value * np.exp(reach)
    return Interval(*map(float, bounds), f"{nll.units:,} {unit}s; log").entry(nll.value)


def equal_width(confidence: np.ndarray) -> np.ndarray:
    """Return the bin (N,) of each confidence among `BINS` of equal width on [0, 1]."""
    return np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)


def equal_size(confidence: np.ndarray) -> np.ndarray:
    """Return the bin (N,) of each confidence among `BINS` with equally many images."""
    ranks = np.argsort(np.argsort(confidence, kind="stable"))
    return ranks * BINS // len(confidence)


def _nll(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    return -np.log(np.clip(probabilities[np.arange(len(labels)), labels], LEAST, None))
