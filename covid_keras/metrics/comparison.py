"""Comparison of two runs on the same images: paired differences, intervals and tests.

Intervals and p-values come from one bootstrap of patients that scores both runs on the same
resamples. McNemar's exact test of accuracy and, for two classes, DeLong's test of the AUC stand
beside it; both treat images as independent.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest, norm, rankdata

from covid_keras.metrics.intervals import bootstrap, percentile_interval
from covid_keras.metrics.predictions import Predictions
from covid_keras.metrics.scores import OVERALL, point_estimates
from covid_keras.utils.errors import InputError


@dataclass(frozen=True)
class Difference:
    """A metric of the second run minus the first run's, as fractions."""

    first: float
    second: float
    low: float | None
    high: float | None
    p: float | None
    """Two-sided, of no difference; None if the metric is undefined."""

    @property
    def value(self) -> float:
        """NaN if the metric of a run is undefined."""
        return self.second - self.first

    def entry(self, name: str = "change") -> dict:
        """Return the difference as it stands beside a metric in metrics.json."""
        value = None if np.isnan(self.value) else self.value
        return {name: value, f"{name}_low": self.low, f"{name}_high": self.high}


def paired_differences(
    first: Predictions, second: Predictions, seed: int = 0, resamples: int = 2000
) -> dict[str, Difference]:
    """Return the differences of accuracy, macro F1 and macro AUC.

    Raises:
        InputError: Other images, labels or classes.
    """
    second = aligned(first, second)
    draws = [
        bootstrap(run.labels, run.probabilities, first.clusters, resamples, seed)
        for run in (first, second)
    ]
    values = [point_estimates(run) for run in (first, second)]
    result = {}
    for name in OVERALL:
        differences = draws[1][name] - draws[0][name]
        interval = percentile_interval(differences, "")
        a, b = (float(value[name]) for value in values)
        result[name] = Difference(a, b, interval.low, interval.high, _p(differences))
    return result


def aligned(first: Predictions, second: Predictions) -> Predictions:
    """Return the second predictions in the order of the first.

    Raises:
        InputError: Other images, labels or classes.
    """
    if first.classes != second.classes:
        raise InputError(
            f"compare: expected the classes {', '.join(first.classes)} in both."
            f" Received: {', '.join(second.classes)}"
        )
    index = {image: row for row, image in enumerate(second.table["image"])}
    images = first.table["image"]
    if set(index) != set(images):
        both = len(set(index) & set(images))
        raise InputError(
            f"compare: expected predictions of the same images. Received: {len(images):,} and"
            f" {len(index):,}, of which {both:,} are in both"
        )
    second = second.take(np.array([index[image] for image in images]))
    if (second.labels != first.labels).any():
        raise InputError("compare: expected the same labels in both")
    return second


def delong(positive: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return AUCs of k scores of the same images, and their covariance (DeLong et al. 1988).

    Uses midranks, after Sun and Xu (2014).

    Args:
        positive: (N,) bool.
        scores: (k, N).

    Returns:
        (k,) and (k, k).
    """
    ill, well = scores[:, positive], scores[:, ~positive]
    m, n = ill.shape[1], well.shape[1]
    among_all = np.array([rankdata(np.concatenate(pair)) for pair in zip(ill, well, strict=True)])
    among_ill, among_well = (np.array([rankdata(row) for row in part]) for part in (ill, well))
    v_ill = (among_all[:, :m] - among_ill) / n
    v_well = 1 - (among_all[:, m:] - among_well) / m
    covariance = np.cov(v_ill) / m + np.cov(v_well) / n
    return v_ill.mean(axis=1), np.atleast_2d(covariance)


def delong_p(positive: np.ndarray, first: np.ndarray, second: np.ndarray) -> float:
    """Return the two-sided p-value of equal AUCs; 1 if both scores rank the images alike."""
    areas, covariance = delong(positive, np.stack([first, second]))
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    if variance <= 0:
        return 1.0
    return float(2 * norm.sf(abs(areas[1] - areas[0]) / np.sqrt(variance)))


def mcnemar_p(first_correct: np.ndarray, second_correct: np.ndarray) -> float:
    """Return the two-sided exact p-value of equal accuracies.

    Args:
        first_correct, second_correct: (N,) bool.
    """
    only_one = (
        int((first_correct & ~second_correct).sum()),
        int((~first_correct & second_correct).sum()),
    )
    return float(binomtest(min(only_one), sum(only_one)).pvalue) if sum(only_one) else 1.0


def _p(differences: np.ndarray) -> float | None:
    """Return twice the smaller share of resamples on one side of 0, ties on both; never 0."""
    known = differences[~np.isnan(differences)]
    if not len(known):
        return None
    sides = [(known <= 0).sum(), (known >= 0).sum()]
    return float(min(1.0, 2 * (min(sides) + 1) / (len(known) + 1)))
