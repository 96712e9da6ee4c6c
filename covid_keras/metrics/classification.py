"""Metrics of classification, named as in Zhao et al. (Sci. Rep. 2021).

Per-class metrics are one-vs-rest. A metric with a zero denominator (the PPV of a class that was
never predicted, the sensitivity of a class without images) is NaN, not 0.
"""

import numpy as np

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


def ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Return numerator / denominator as float64, NaN where the denominator is 0."""
    numerator, denominator = np.asarray(numerator), np.asarray(denominator)
    undefined = np.full(denominator.shape, np.nan)
    return np.divide(numerator, denominator, out=undefined, where=denominator != 0)
