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
    """Two-sided, of no difference; None, like the bounds, if the metric is undefined or a macro
    metric rests on one patient in a class."""

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
    runs = (first, second)
    before, after = (
        bootstrap(run.labels, run.probabilities, first.clusters, resamples, seed) for run in runs
    )
    values = [point_estimates(run) for run in runs]
    units = [len(np.unique(first.clusters[first.labels == k])) for k in np.unique(first.labels)]
    result = {}
    for name in OVERALL:
        differences = after[name] - before[name]
        if name != "accuracy" and min(units) < 2:  # resamples cannot vary that class
            differences = np.full_like(differences, np.nan)
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
    """Return (k,) AUCs of scores (k, N) of the same images, and their covariance (k, k).

    After DeLong et al. (1988), with midranks as in Sun and Xu (2014). `positive` is (N,) bool.
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
    """Return the two-sided exact p-value of equal accuracies, for (N,) bool each."""
    only_first = int((first_correct & ~second_correct).sum())
    discordant = int((first_correct != second_correct).sum())
    return float(binomtest(only_first, discordant).pvalue) if discordant else 1.0


def _p(differences: np.ndarray) -> float | None:
    """Return twice the smaller share of resamples on one side of 0, ties on both; never 0."""
    known = differences[~np.isnan(differences)]
    if not len(known):
        return None
    sides = [(known <= 0).sum(), (known >= 0).sum()]
    return float(min(1.0, 2 * (min(sides) + 1) / (len(known) + 1)))
