"""Uncertainty of predictions: entropy, disagreement of an ensemble, and selective prediction.

Selective prediction leaves the least confident images to a person. Entropies are in nats.
"""

import numpy as np
from scipy.stats import entropy

from covid_keras.metrics.intervals import (
    Interval,
    agreeing_interval,
    draws,
    percentile_interval,
    wilson,
)
from covid_keras.metrics.predictions import Predictions

COVERAGES = (0.5, 0.8, 0.9)
"""Shares of the images, the most confident first, at which accuracy is reported."""


def disagreement(members: np.ndarray) -> np.ndarray:
    """Return the mutual information of prediction and member (Houlsby et al. 2011), (N,) nats.

    0 if all members agree, however uncertain they are.

    Args:
        members: (M, N, K) probabilities of an ensemble, or of augmented samples.
    """
    return np.maximum(entropy(members.mean(axis=0), axis=1) - entropy(members, axis=2).mean(0), 0)


def risk_coverage(correct: np.ndarray, confidence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return coverage, the shares of images kept, in (0, 1], and risk, the error rates among them.

    Both are (G,): an entry for each distinct confidence, the highest first. Images of equal
    confidence are kept or left together. `correct` is (N,) bool, `confidence` (N,) float.
    """
    order, ends = _ranked(confidence)
    wrong = np.cumsum(~correct[order])[ends]
    return (ends + 1) / len(correct), wrong / (ends + 1)


def selective(predictions: Predictions, resamples: int = 2000, seed: int = 0) -> dict:
    """Return the area under the risk-coverage curve and the accuracy on the most confident images.

    The confidence is the probability of the predicted class. The area is the mean risk over all
    coverages (AURC, Geifman et al. 2019); lower is better.

    Returns:
        `aurc` {value, low, high, method}; `aurc_random`, its value if confidence were random: the
        error rate; `accuracy_at` {"0.8": {value, low, high, method}}; `entropy` {"right", "wrong"}:
        mean nats of correct and of wrong predictions, None if there are none.
    """
    correct, clusters = predictions.predicted == predictions.labels, predictions.clusters
    order, ends = _ranked(predictions.probabilities.max(axis=1))
    wrong, owner = ~correct[order], clusters[order]
    resampled = draws(int(clusters.max()) + 1, resamples, len(correct), seed)
    drawn = np.concatenate([_weighted(weights[:, owner], wrong, ends) for weights in resampled])
    area, *accuracies = _weighted(np.ones((1, len(correct))), wrong, ends)[0].tolist()
    accuracy_at = {}
    for share, value, values in zip(COVERAGES, accuracies, drawn[:, 1:].T, strict=True):
        last = ends[np.searchsorted(ends + 1, share * len(correct) - 1e-9)]
        interval = _accuracy_interval(predictions, owner[: last + 1], value, values)
        accuracy_at[str(share)] = interval.entry(value)
    nats = entropy(predictions.probabilities, axis=1)
    return {
        "aurc": percentile_interval(drawn[:, 0], f"{predictions.unit} bootstrap").entry(area),
        "aurc_random": float(wrong.mean()),
        "accuracy_at": accuracy_at,
        "entropy": {
            "right": float(nats[correct].mean()) if correct.any() else None,
            "wrong": float(nats[~correct].mean()) if not correct.all() else None,
        },
    }


def _accuracy_interval(
    predictions: Predictions, kept: np.ndarray, value: float, drawn: np.ndarray
) -> Interval:
    """Return Wilson's interval without patients or if all resamples agree, else the bootstrap's."""
    if not predictions.has_patients:
        return Interval(*wilson(value * len(kept), len(kept)), "Wilson")
    interval = percentile_interval(drawn, "patient bootstrap")
    if interval.low < interval.high:
        return interval
    return agreeing_interval("accuracy", value, len(np.unique(kept)), predictions.unit)


def _ranked(confidence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the order of falling confidence, and the last index of each distinct confidence."""
    order = np.argsort(-confidence, kind="stable")
    return order, np.flatnonzero(np.append(np.diff(confidence[order]) != 0, True))


def _weighted(weights: np.ndarray, wrong: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return area and accuracy at each of `COVERAGES`, (R, 1 + C), for weights (R, N).

    Images are ranked by confidence, and `ends` are the last index of each distinct one. The
    accuracy at a coverage is that of the smallest most confident set that reaches it.
    """
    errors = weights * wrong
    if len(ends) < len(wrong):  # images of equal confidence count as one
        starts = np.append(0, ends[:-1] + 1)
        weights, errors = (np.add.reduceat(part, starts, axis=1) for part in (weights, errors))
    kept = weights.cumsum(axis=1)
    total = kept[:, -1]
    risk = errors.cumsum(axis=1, out=errors)
    risk /= np.maximum(kept, 1)
    columns = [np.einsum("rg,rg->r", weights, risk) / total]
    for share in COVERAGES:
        least = share * total - 1e-9
        index = [np.searchsorted(row, value) for row, value in zip(kept, least, strict=True)]
        columns.append(1 - risk[np.arange(len(risk)), index])
    return np.stack(columns, axis=1)
