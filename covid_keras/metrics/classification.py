"""Metrics from labels, predictions and probabilities, in the terms of Zhao et al. (Sci. Rep. 2021).

Each class is judged one-vs-rest. A metric without a denominator (the PPV of a class that was
never predicted, the sensitivity of a class without images) is NaN: undefined, not 0.
Functions of confusion matrices take any leading axes, so that a bootstrap is one call.
"""

import numpy as np

PROPORTIONS = ("sensitivity", "ppv", "specificity", "npv")
"""The per-class metrics that are proportions of images."""


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """(K, K) int64 counts of images: rows are the true class, columns the predicted one."""
    cells = np.asarray(labels) * classes + np.asarray(predicted)
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes)


def proportion_counts(matrix: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Numerator and denominator of accuracy, each (...), and of `PROPORTIONS`, each (..., K).

    Args:
        matrix: (..., K, K) confusion matrices.
    """
    true_positive = np.diagonal(matrix, axis1=-2, axis2=-1)
    positive, called = matrix.sum(axis=-1), matrix.sum(axis=-2)
    total = positive.sum(axis=-1, keepdims=True)
    true_negative = total - positive - called + true_positive
    return {
        "accuracy": (true_positive.sum(axis=-1), total[..., 0]),
        "sensitivity": (true_positive, positive),
        "ppv": (true_positive, called),
        "specificity": (true_negative, total - positive),
        "npv": (true_negative, total - called),
    }


def count_metrics(matrix: np.ndarray) -> dict[str, np.ndarray]:
    """All metrics of (..., K, K) confusion matrices: accuracy and macro_f1 of shape (...);
    sensitivity, ppv, specificity, npv and f1 of shape (..., K); fractions in [0, 1] or NaN.

    macro_f1 is the mean of the classes' F1, NaN where one of them is.
    """
    counts = proportion_counts(matrix)
    metrics = {name: _ratio(*pair) for name, pair in counts.items()}
    hits, positive = counts["sensitivity"]
    metrics["f1"] = _ratio(2 * hits, positive + counts["ppv"][1])
    metrics["macro_f1"] = metrics["f1"].mean(axis=-1)
    return metrics


def auc(positive: np.ndarray, scores: np.ndarray) -> float:
    """Area under the ROC curve: the share of (positive, negative) pairs in which the positive
    image has the higher score, ties counting half. NaN without positives or negatives.

    Args:
        positive: (N,) bool.
        scores: (N,) float.
    """
    scores = np.asarray(scores)
    return float(
        WeightedAUC(positive, scores, np.arange(len(scores)))(np.ones((1, len(scores))))[0]
    )


class WeightedAUC:
    """The AUC of fixed scores under many weightings: sorted once, then weighted counts.

    Args:
        positive: (N,) bool.
        scores: (N,) float.
        clusters: (N,) int in [0, P), the cluster (patient) whose weight each image carries.
    """

    def __init__(self, positive: np.ndarray, scores: np.ndarray, clusters: np.ndarray) -> None:
        order = np.argsort(scores, kind="stable")
        positive, scores, clusters = (
            np.asarray(positive, dtype=bool)[order],
            scores[order],
            clusters[order],
        )
        self._positives, self._negatives = clusters[positive], clusters[~positive]
        self._below = np.searchsorted(scores[~positive], scores[positive], side="left")
        self._up_to = np.searchsorted(scores[~positive], scores[positive], side="right")

    def __call__(self, weights: np.ndarray) -> np.ndarray:
        """(R,) AUCs for (R, P) weights; NaN where the positives or the negatives weigh nothing."""
        positive = weights[:, self._positives].astype(np.float64)
        negative = np.zeros((len(weights), len(self._negatives) + 1))
        np.cumsum(weights[:, self._negatives], axis=1, out=negative[:, 1:])
        won = negative[:, self._below] + negative[:, self._up_to]
        pairs = positive.sum(axis=1) * negative[:, -1]
        return _ratio(np.einsum("rp,rp->r", positive, won) / 2, pairs)


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """numerator / denominator as float64, NaN where the denominator is 0."""
    numerator, denominator = np.asarray(numerator), np.asarray(denominator)
    undefined = np.full(denominator.shape, np.nan)
    return np.divide(numerator, denominator, out=undefined, where=denominator != 0)
