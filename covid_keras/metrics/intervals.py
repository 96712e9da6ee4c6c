"""95 % confidence intervals: Wilson's for proportions, and a bootstrap of patients or images.

Images of one patient resemble each other, so the bootstrap resamples patients: the plain cluster
bootstrap without strata, percentiles 2.5 and 97.5 (Field and Welsh 2007). If all resamples agree,
for example because every image is classified correctly, the bootstrap would claim certainty; then
Wilson's interval with one observation per patient takes its place.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from covid_keras.metrics.classification import WeightedAUC, count_metrics

LEVEL = 0.95
CHUNK_CELLS = 1_000_000
"""Weights (resamples x images) in memory at once; keeps the bootstrap to tens of megabytes."""


@dataclass(frozen=True)
class Interval:
    """Bounds as fractions in [0, 1], both None if there is no interval, and their method."""

    low: float | None
    high: float | None
    method: str
    dropped: int = 0
    """Resamples in which the metric was undefined."""

    def entry(self, value: float) -> dict:
        """Return the metric as it stands in metrics.json."""
        return {"value": value, "low": self.low, "high": self.high, "method": self.method}


UNDEFINED = {"value": None, "low": None, "high": None, "method": "none: undefined"}
"""The entry of a metric with a zero denominator."""


def wilson(successes: float, trials: float) -> tuple[float, float]:
    """Return Wilson's 95 % score interval of a proportion (Wilson 1927), uncorrected.

    SciPy's binomtest has it for integers only; `successes`, 0 to `trials`, may be fractional here.
    """
    z = NormalDist().inv_cdf((1 + LEVEL) / 2)
    share = successes / trials
    centre = share + z**2 / (2 * trials)
    reach = z * np.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    low, high = (centre + np.array([-reach, reach])) / (1 + z**2 / trials)
    return (0.0 if share == 0 else float(low)), (1.0 if share == 1 else float(high))


def bootstrap(
    labels: np.ndarray,
    probabilities: np.ndarray,
    clusters: np.ndarray,
    resamples: int = 2000,
    seed: int = 0,
) -> dict[str, np.ndarray]:
    """Return every metric on resamples of the clusters, drawn with replacement.

    Args:
        labels: (N,) int in [0, K).
        probabilities: (N, K) float.
        clusters: (N,) int in [0, P): the patient of each image, or `arange(N)` to draw images.
        resamples: Their number R.
        seed: Of the draws.

    Returns:
        accuracy, macro_f1 and macro_auc as (R,) float64; sensitivity, ppv, specificity, npv, f1
        and auc as (R, K); NaN where a metric is undefined in a resample.
    """
    classes, size = probabilities.shape[1], int(clusters.max()) + 1
    cells = labels * classes + probabilities.argmax(axis=1)
    matrices = np.bincount(clusters * classes**2 + cells, minlength=size * classes**2)
    matrices = matrices.reshape(size, classes**2).astype(np.float64)
    curves = [WeightedAUC(labels == k, probabilities[:, k], clusters) for k in range(classes)]
    parts = []
    for weights in draws(size, resamples, len(labels), seed):
        totals = (weights @ matrices).reshape(-1, classes, classes)
        part = count_metrics(totals)
        part["auc"] = np.stack([curve(weights) for curve in curves], axis=1)
        part["macro_auc"] = part["auc"].mean(axis=1)
        parts.append(part)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def percentile_interval(values: np.ndarray, method: str) -> Interval:
    """Return the central 95 % of a metric's values (R,) on resamples, leaving out the NaN."""
    defined = values[~np.isnan(values)]
    if not len(defined):
        return Interval(None, None, "none: undefined in every resample", len(values))
    low, high = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high), method, len(values) - len(defined))


def agreeing_interval(metric: str, value: float, units: int, unit: str) -> Interval:
    """Return the interval of a metric that is the same in all resamples.

    A proportion: Wilson's interval with one observation per unit, as if all images of a patient
    were right or wrong together. F1: the same for J = TP / (TP + FP + FN), as F1 = 2 J / (1 + J).
    AUC: the same with the smaller of the numbers of positive and negative units, because the
    variance of an AUC A is at most A (1 - A) / min(m, n) (Birnbaum and Klose 1957).

    Args:
        metric: Its key, such as "f1".
        value: Its value in all resamples.
        units: Number of patients or images, the `unit`, that it rests on.
    """
    if metric == "f1":
        bounds = (2 * j / (1 + j) for j in wilson(value / (2 - value) * units, units))
    else:
        bounds = wilson(value * units, units)
    return Interval(*bounds, f"Wilson, {units} {unit}s")


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
