"""Uncertainty of predictions: entropy, disagreement of an ensemble, and selective prediction.

Selective prediction leaves the least confident images to a person. Entropies are in nats.
"""

import numpy as np
from scipy.special import entr

from covid_keras.metrics.intervals import draws, percentile_interval, ratio_estimate
from covid_keras.metrics.predictions import Predictions

COVERAGES = (0.5, 0.8, 0.9)
"""Shares of the images, the most confident first, at which accuracy is reported."""


def entropy(probabilities: np.ndarray) -> np.ndarray:
    """Return the entropy of probabilities (..., K), (...) nats."""
    return entr(probabilities).sum(axis=-1)


def disagreement(members: np.ndarray) -> np.ndarray:
    """Return the mutual information of prediction and member (Houlsby et al. 2011), (N,) nats.

    0 if all members agree, however uncertain they are.

    Args:
        members: (M, N, K) probabilities of an ensemble, or of augmented samples.
    """
    return np.maximum(entropy(members.mean(axis=0)) - entropy(members).mean(axis=0), 0)


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
    drawn = np.concatenate([_areas(weights[:, owner], wrong, ends) for weights in resampled])
    area = float(_areas(np.ones((1, len(correct))), wrong, ends)[0])
    accuracy_at = {}
    for share in COVERAGES:
        last = ends[np.searchsorted(ends + 1, share * len(correct) - 1e-9)]
        kept = order[: last + 1]
        at = ratio_estimate(correct[kept], np.ones(len(kept)), clusters[kept])
        accuracy_at[str(share)] = at.entry(predictions.unit)
    nats = entropy(predictions.probabilities)
    return {
        "aurc": percentile_interval(drawn, f"{predictions.unit} bootstrap").entry(area),
        "aurc_random": float(wrong.mean()),
        "accuracy_at": accuracy_at,
        "entropy": {
            "right": float(nats[correct].mean()) if correct.any() else None,
            "wrong": float(nats[~correct].mean()) if not correct.all() else None,
        },
    }


def _ranked(confidence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the order of falling confidence, and the last index of each distinct confidence."""
    order = np.argsort(-confidence, kind="stable")
    return order, np.flatnonzero(np.append(np.diff(confidence[order]) != 0, True))


def _areas(weights: np.ndarray, wrong: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return the area under the risk-coverage curve, (R,), for weights (R, N).

    Images are ranked by confidence, and `ends` are the last index of each distinct one.
    """
    errors = weights * wrong
    if len(ends) < len(wrong):  # images of equal confidence count as one
        starts = np.append(0, ends[:-1] + 1)
        weights, errors = (np.add.reduceat(part, starts, axis=1) for part in (weights, errors))
    kept = weights.cumsum(axis=1)
    risk = errors.cumsum(axis=1, out=errors)
    risk /= np.maximum(kept, 1)
    return np.einsum("rg,rg->r", weights, risk) / kept[:, -1]
