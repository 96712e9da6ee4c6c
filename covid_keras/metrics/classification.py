"""Metrics of classification, named as in Zhao et al. (Sci. Rep. 2021).

Per-class metrics are one-vs-rest. A metric with a zero denominator (the PPV of a class that was
never predicted, the sensitivity of a class without images) is NaN, not 0. The functions of
confusion matrices accept leading axes, so that a whole bootstrap is one call.
"""

import numpy as np
from sklearn.metrics import roc_auc_score

PROPORTIONS = ("sensitivity", "ppv", "specificity", "npv")
"""The per-class metrics that are proportions of images."""


def proportion_counts(matrix: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return numerator and denominator of accuracy (...) and of each of `PROPORTIONS` (..., K).

    `matrix` is (..., K, K), confusion matrices; rows are the true class.
    """
    true_positive = np.diagonal(matrix, axis1=-2, axis2=-1)
    positive, predicted = matrix.sum(axis=-1), matrix.sum(axis=-2)
    total = positive.sum(axis=-1, keepdims=True)
    true_negative = total - positive - predicted + true_positive
    return {
        "accuracy": (true_positive.sum(axis=-1), total[..., 0]),
        "sensitivity": (true_positive, positive),
        "ppv": (true_positive, predicted),
        "specificity": (true_negative, total - positive),
        "npv": (true_negative, total - predicted),
    }


def count_metrics(matrix: np.ndarray) -> dict[str, np.ndarray]:
    """Return all metrics that follow from confusion matrices (..., K, K), in [0, 1] or NaN.

    Returns:
        accuracy and macro_f1 (...); sensitivity, ppv, specificity, npv and f1 (..., K). macro_f1
        is the mean of the classes' F1, NaN if one of them is NaN.
    """
    counts = proportion_counts(matrix)
    metrics = {name: ratio(*pair) for name, pair in counts.items()}
    true_positive, positive = counts["sensitivity"]
    metrics["f1"] = ratio(2 * true_positive, positive + counts["ppv"][1])
    metrics["macro_f1"] = metrics["f1"].mean(axis=-1)
    return metrics


def auc(positive: np.ndarray, scores: np.ndarray) -> float:
    """Return the area under the ROC curve of `positive` (N,) bool and `scores` (N,) float.

    NaN without positives or without negatives.
    """
    positive = np.asarray(positive, dtype=bool)
    if positive.all() or not positive.any():
        return float("nan")
    return float(roc_auc_score(positive, scores))


class WeightedAUC:
    """The AUC of fixed scores under many weightings of the images.

    Sorts once and then only counts; scikit-learn's roc_auc_score would sort for each weighting.

    Args:
        positive: (N,) bool.
        scores: (N,) float.
        clusters: (N,) int in [0, P), the cluster (patient) of each image.
    """

    def __init__(self, positive: np.ndarray, scores: np.ndarray, clusters: np.ndarray) -> None:
        order = np.argsort(scores, kind="stable")
        positive = np.asarray(positive, dtype=bool)[order]
        scores, clusters = scores[order], clusters[order]
        self._positives, self._negatives = clusters[positive], clusters[~positive]
        self._below = np.searchsorted(scores[~positive], scores[positive], side="left")
        self._up_to = np.searchsorted(scores[~positive], scores[positive], side="right")

    def __call__(self, weights: np.ndarray) -> np.ndarray:
        """Return (R,) AUCs for cluster weights (R, P); NaN if one side has no weight."""
        positive = weights[:, self._positives].astype(np.float64)
        negative = np.zeros((len(weights), len(self._negatives) + 1))
        np.cumsum(weights[:, self._negatives], axis=1, out=negative[:, 1:])
        won = negative[:, self._below] + negative[:, self._up_to]  # a tie counts half
        pairs = positive.sum(axis=1) * negative[:, -1]
        return ratio(np.einsum("rp,rp->r", positive, won) / 2, pairs)


def ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Return numerator / denominator as float64, NaN where the denominator is 0."""
    numerator, denominator = np.asarray(numerator), np.asarray(denominator)
    undefined = np.full(denominator.shape, np.nan)
    return np.divide(numerator, denominator, out=undefined, where=denominator != 0)
