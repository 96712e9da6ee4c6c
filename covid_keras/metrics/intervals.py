"""95 % confidence intervals of metrics, from the influence of each patient.

Images of one patient resemble each other, so patients are the independent units. The influence of
a patient on a metric is what the metric changes with the patient's weight; the sum of its squares
over the patients estimates the variance of the metric (linearisation; for the AUC Obuchowski
1997). The quantile is Student's, with the number of patients less one. Proportions and F1 have
Wilson's interval with the effective number of images that the variance implies, other metrics one
on the logit scale. `docs/simulate_intervals.py` measures how often the intervals hold the truth.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit, logit, stdtrit

LEVEL = 0.95
CHUNK_CELLS = 1_000_000
"""Weights (resamples x images) in memory at once; keeps the bootstrap to tens of megabytes."""
FEW_UNITS = 10
"""An interval that rests on fewer patients is called unreliable."""
AUC_SHRINKAGE, SHRINKAGE = 0.03, 0.3
"""How much of the variance of independent patients is added, over the root of their number: the
influences of few patients, nearly all of them right, say too little. Chosen by simulation."""


@dataclass(frozen=True)
class Interval:
    """Bounds as fractions in [0, 1], both None if there is no interval, and their method."""

    low: float | None
    high: float | None
    method: str

    def entry(self, value: float) -> dict:
        """Return the metric as it stands in metrics.json."""
        return {"value": value, "low": self.low, "high": self.high, "method": self.method}


UNDEFINED = {"value": None, "low": None, "high": None, "method": "none: undefined"}
"""The entry of a metric with a zero denominator."""


@dataclass(frozen=True)
class Estimate:
    """A metric with the influence of each patient on it; with its interval."""

    value: float
    """A fraction in [0, 1]; NaN if it is undefined."""
    influence: np.ndarray
    """(P,) float, one per patient (or image, where ids are missing); they add up to 0."""
    units: int
    """Patients, of the P, that the metric rests on; of an AUC those of the rarer side."""
    kind: str = "proportion"
    """proportion (Wilson's interval), auc or mean (on the logit scale)."""

    @property
    def variance(self) -> float:
        """The variance of the value."""
        return float((self.influence**2).sum() * self.units / max(self.units - 1, 1))

    def bounds(self, level: float = LEVEL) -> tuple[float, float]:
        """Return the bounds of the interval; two patients or more are needed."""
        quantile = float(stdtrit(self.units - 1, (1 + level) / 2))
        value, variance = self.value, self.variance
        if variance <= 1e-18 or not 0 < value < 1:
            return wilson(value * self.units, self.units, quantile)
        variance += self._added()
        if self.kind == "proportion":
            effective = max(value * (1 - value) / variance, self.units)
            return wilson(value * effective, effective, quantile)
        reach = quantile * np.sqrt(variance) / (value * (1 - value))
        low, high = expit(logit(value) + np.array([-reach, reach]))
        # No variance is larger than with one image per patient (Birnbaum and Klose 1957).
        least, most = wilson(value * self.units, self.units, quantile)
        return max(float(low), least), min(float(high), most)

    def _added(self) -> float:
        """Return the variance that is added for few patients, see `AUC_SHRINKAGE`."""
        n = self.units
        if self.kind == "auc":
            area = (self.value * n + 0.25) / (n + 0.5)
            return AUC_SHRINKAGE * hanley_mcneil(area, n) / np.sqrt(n)
        mean = (self.value * n + 0.25) / (n + 0.5)
        return SHRINKAGE * mean * (1 - mean) / n**1.5

    def interval(self, unit: str, level: float = LEVEL) -> Interval:
        """Return the interval; `unit` is what the units are, "patient" or "image"."""
        if self.units < 2:
            return Interval(None, None, f"none: one {unit} only")
        name = "Wilson" if self.kind == "proportion" else "logit"
        few = unit == "patient" and self.units < FEW_UNITS
        method = f"{'unreliable: ' if few else ''}{self.units:,} {unit}s; {name}"
        return Interval(*self.bounds(level), method)

    def entry(self, unit: str) -> dict:
        """Return the metric as it stands in metrics.json."""
        if np.isnan(self.value):
            return dict(UNDEFINED)
        return self.interval(unit).entry(self.value)


def ratio_estimate(
    hits: np.ndarray, trials: np.ndarray, clusters: np.ndarray, kind: str = "proportion"
) -> Estimate:
    """Return sum(hits) / sum(trials) of images (N,), whose patients are `clusters` (N,) int."""
    size = int(clusters.max()) + 1
    above, below = (np.bincount(clusters, part, size) for part in (hits, trials))
    if not below.sum():
        return Estimate(float("nan"), np.zeros(size), 0, kind)
    value = float(above.sum() / below.sum())
    influence = (above - value * below) / below.sum()
    return Estimate(value, influence, int((below > 0).sum()), kind)


def auc_estimate(
    positive: np.ndarray,
    scores: np.ndarray,
    clusters: np.ndarray,
    folds: np.ndarray | None = None,
) -> Estimate:
    """Return the AUC of `positive` (N,) bool and `scores` (N,) float; after Obuchowski (1997).

    With `folds` (N,), only images of one fold are compared: the networks of two folds have no
    common scale, and joining their scores would bias the AUC (Parker et al. 2007).
    """
    size, positive = int(clusters.max()) + 1, np.asarray(positive, bool)
    folds = np.zeros(len(positive)) if folds is None else folds
    parts = []
    for fold in np.unique(folds):
        ill, well = positive & (folds == fold), ~positive & (folds == fold)
        if ill.any() and well.any():
            parts.append((clusters[ill], clusters[well], *placements(scores[ill], scores[well])))
    if not parts:
        return Estimate(float("nan"), np.zeros(size), 0, "auc")
    pairs = sum(len(of_ill) * len(of_well) for *_, of_ill, of_well in parts)
    value = float(sum(len(of_well) * of_ill.sum() for *_, of_ill, of_well in parts) / pairs)
    influence = np.zeros(size)
    for ill, well, of_ill, of_well in parts:
        influence += np.bincount(ill, (of_ill - value) * len(well) / pairs, size)
        influence += np.bincount(well, (of_well - value) * len(ill) / pairs, size)
    units = min(len(np.unique(clusters[side])) for side in (positive, ~positive))
    return Estimate(value, influence, units, "auc")


def placements(ill: np.ndarray, well: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return for each score the share of the other side that it is on the right side of.

    A tie counts half. Both means are the AUC (DeLong et al. 1988; Sun and Xu 2014).
    """
    among_all, among_ill, among_well = (
        pd.Series(scores).rank().to_numpy() for scores in (np.concatenate([ill, well]), ill, well)
    )
    of_ill = (among_all[: len(ill)] - among_ill) / len(well)
    return of_ill, 1 - (among_all[len(ill) :] - among_well) / len(ill)


def mean_estimate(parts: Sequence[Estimate]) -> Estimate:
    """Return the mean of several metrics of the same images, such as a macro average."""
    value = float(np.mean([part.value for part in parts]))
    influence = np.mean([part.influence for part in parts], axis=0)
    return Estimate(value, influence, min(part.units for part in parts), parts[0].kind)


def difference_bounds(
    first: Estimate, second: Estimate, level: float = LEVEL
) -> tuple[float, float]:
    """Return the interval of second minus first, of the same images.

    From the intervals of both and the correlation of their influences (Newcombe 1998, method 10;
    Zou and Donner 2008).
    """
    a, b = first.influence, second.influence
    lengths = np.sqrt((a**2).sum() * (b**2).sum())
    correlation = float(np.clip((a * b).sum() / lengths, -1, 1)) if lengths > 0 else 0.0
    (low_a, high_a), (low_b, high_b) = first.bounds(level), second.bounds(level)
    value = second.value - first.value

    def reach(x: float, y: float) -> float:
        return float(np.sqrt(max(x**2 - 2 * correlation * x * y + y**2, 0)))

    low = value - reach(second.value - low_b, high_a - first.value)
    return low, value + reach(high_b - second.value, first.value - low_a)


def p_value(first: Estimate, second: Estimate) -> float:
    """Return the two-sided p-value of no difference: where the interval just leaves out 0."""
    if first.value == second.value:
        return 1.0

    def nearest(p: float) -> float:
        low, high = difference_bounds(first, second, 1 - p)
        return low if second.value > first.value else -high

    least, most = 1e-9, 1 - 1e-9
    if nearest(least) > 0:
        return least
    return 1.0 if nearest(most) < 0 else float(brentq(nearest, least, most, xtol=1e-6))


def hanley_mcneil(area: float, units: int) -> float:
    """Return the variance of an AUC of as many positives as negatives (Hanley and McNeil 1982)."""
    first, second = area / (2 - area), 2 * area**2 / (1 + area)
    pairs = (units - 1) * (first + second - 2 * area**2)
    return (area * (1 - area) + pairs) / units**2


def wilson(successes: float, trials: float, quantile: float | None = None) -> tuple[float, float]:
    """Return Wilson's score interval of a proportion (Wilson 1927), uncorrected.

    SciPy's binomtest has it for integers only; `successes`, 0 to `trials`, may be fractional here.

    Args:
        quantile: of the normal distribution, or another; None is the normal one of 95 %.
    """
    z = NormalDist().inv_cdf((1 + LEVEL) / 2) if quantile is None else quantile
    share = successes / trials
    centre = share + z**2 / (2 * trials)
    reach = z * np.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    low, high = (centre + np.array([-reach, reach])) / (1 + z**2 / trials)
    return (0.0 if share == 0 else float(low)), (1.0 if share == 1 else float(high))


def percentile_interval(values: np.ndarray, method: str) -> Interval:
    """Return the central 95 % of a metric's values (R,) on resamples of the patients."""
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high), method)


def draws(size: int, resamples: int, images: int, seed: int) -> Iterator[np.ndarray]:
    """Yield (r, size) float64 counts of how often each cluster is drawn, `resamples` rows in all.

    The number of images limits r, so that weights (r, images) fit `CHUNK_CELLS`; it does not
    change the draws.
    """
    random = np.random.default_rng(seed)
    chunk = max(1, CHUNK_CELLS // images)
    for start in range(0, resamples, chunk):
        rows = min(chunk, resamples - start)
        drawn = random.integers(size, size=(rows, size)) + np.arange(rows)[:, None] * size
        counts = np.bincount(drawn.ravel(), minlength=rows * size)
        yield counts.reshape(rows, size).astype(np.float64)
