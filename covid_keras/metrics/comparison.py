"""Comparison of two runs on the same images: paired differences, intervals and tests.

Intervals and p-values come from the influence of each patient on both runs. McNemar's exact test of
accuracy and, for two classes, DeLong's test of the AUC stand beside them; both treat images as
independent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import bdtr, ndtr

from covid_keras.metrics.intervals import Estimate, difference_bounds, p_value, placements
from covid_keras.metrics.predictions import Predictions
from covid_keras.metrics.scores import OVERALL, estimates
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


def paired_differences(first: Predictions, second: Predictions) -> dict[str, Difference]:
    """Return the differences of accuracy, macro F1 and macro AUC.

    Raises:
        InputError: Other images, labels or classes.
    """
    second = aligned(first, second)
    before, after = estimates(first), estimates(second)
    same = np.array_equal(first.probabilities, second.probabilities)
    return {name: difference(before[name], after[name], same) for name in OVERALL}


def difference(first: Estimate, second: Estimate, same: bool = False) -> Difference:
    """Return the difference of a metric that was estimated twice on the same images.

    `same`: whether both are of the same predictions, and so cannot differ.
    """
    known = min(first.units, second.units) > 1
    bounds, p = (None, None), None
    if known:
        bounds = (0.0, 0.0) if same else difference_bounds(first, second)
        p = 1.0 if same else p_value(first, second)
    return Difference(first.value, second.value, *bounds, p)


def holm(pairs: Sequence[Mapping[str, Difference]]) -> list[dict[str, Difference]]:
    """Return the differences with p-values adjusted within each metric (Holm 1979)."""
    adjusted = [dict(pair) for pair in pairs]
    for name in pairs[0]:
        known = sorted(
            (pair[name].p, i) for i, pair in enumerate(pairs) if pair[name].p is not None
        )
        largest = 0.0
        for rank, (p, i) in enumerate(known):
            largest = max(largest, min(1.0, (len(known) - rank) * p))
            adjusted[i][name] = replace(pairs[i][name], p=largest)
    return adjusted


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
        both = set(index) & set(images)
        alone = [min(part - both, default="none") for part in ({*images}, {*index})]
        raise InputError(
            f"compare: expected predictions of the same images. Received: {len(images):,} and"
            f" {len(index):,}, of which {len(both):,} are in both; only in the first: {alone[0]},"
            f" only in the second: {alone[1]}"
        )
    second = second.take(np.array([index[image] for image in images]))
    if (others := second.labels != first.labels).any():
        row = int(others.argmax())
        names = (part.classes[part.labels[row]] for part in (first, second))
        raise InputError(
            f"compare: expected the same labels in both. Received: {images.iloc[row]} as"
            f" {' and '.join(names)}, as {int(others.sum()):,} of {len(others):,} images"
        )
    return second


def delong(positive: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (k,) AUCs of scores (k, N) of the same images, and their covariance (k, k).

    After DeLong et al. (1988), with midranks as in Sun and Xu (2014). `positive` is (N,) bool.
    """
    each = [placements(row[positive], row[~positive]) for row in scores]
    v_ill, v_well = (np.array(side) for side in zip(*each, strict=True))
    covariance = np.cov(v_ill) / v_ill.shape[1] + np.cov(v_well) / v_well.shape[1]
    return v_ill.mean(axis=1), np.atleast_2d(covariance)


def delong_p(positive: np.ndarray, first: np.ndarray, second: np.ndarray) -> float:
    """Return the two-sided p-value of equal AUCs; 1 if both scores rank the images alike."""
    areas, covariance = delong(positive, np.stack([first, second]))
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    if variance <= 0:
        return 1.0
    return float(2 * ndtr(-abs(areas[1] - areas[0]) / np.sqrt(variance)))


def mcnemar_p(first_correct: np.ndarray, second_correct: np.ndarray) -> float:
    """Return the two-sided exact p-value of equal accuracies, for (N,) bool each."""
    only_first = int((first_correct & ~second_correct).sum())
    discordant = int((first_correct != second_correct).sum())
    fewer = min(only_first, discordant - only_first)
    return min(1.0, 2 * float(bdtr(fewer, discordant, 0.5)))
