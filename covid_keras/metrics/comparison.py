"""Two runs on the same images: what differs, by how much, and whether chance could do that.

Intervals and p-values come from one bootstrap of patients in which both runs are measured on the
same draws. For two classes DeLong's test of the AUCs and McNemar's exact test of the answers stand
beside it; both take images for independent.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest, norm, rankdata

from covid_keras.metrics.classification import auc, confusion_matrix, count_metrics
from covid_keras.metrics.intervals import bootstrap, percentile_interval
from covid_keras.metrics.predictions import Predictions
from covid_keras.metrics.text import OVERALL
from covid_keras.utils.errors import InputError
from covid_keras.utils.text import text_table

COMPARED = ("accuracy", "macro_f1", "macro_auc")


@dataclass(frozen=True)
class Difference:
    """The second run's metric less the first's, as fractions."""

    first: float
    second: float
    low: float | None
    high: float | None
    p: float | None
    """Two-sided, of no difference; None where a metric is undefined."""

    @property
    def value(self) -> float:
        """NaN where one of both is undefined."""
        return self.second - self.first

    def entry(self, name: str = "change") -> dict:
        """As it stands in metrics.json, beside the metric that differs."""
        value = None if np.isnan(self.value) else self.value
        return {name: value, f"{name}_low": self.low, f"{name}_high": self.high}


def compare(
    first: Predictions, second: Predictions, seed: int = 0, resamples: int = 2000
) -> dict[str, Difference]:
    """Paired differences of accuracy, macro F1 and macro AUC.

    Raises:
        InputError: other images, labels or classes.
    """
    second = aligned(first, second)
    clusters = first.clusters
    draws = [
        bootstrap(run.labels, run.probabilities, clusters, resamples, seed)
        for run in (first, second)
    ]
    values = [_values(run) for run in (first, second)]
    found = {}
    for name in COMPARED:
        differences = draws[1][name] - draws[0][name]
        interval = percentile_interval(differences, "")
        a, b = values[0][name], values[1][name]
        found[name] = Difference(a, b, interval.low, interval.high, _p(differences))
    return found


def aligned(first: Predictions, second: Predictions) -> Predictions:
    """The second's rows in the order of the first's.

    Raises:
        InputError: other images, labels or classes.
    """
    if first.classes != second.classes:
        raise InputError(
            f"compare: expected the classes {', '.join(first.classes)} in both."
            f" Received: {', '.join(second.classes)}"
        )
    place = {image: row for row, image in enumerate(second.table["image"])}
    images = first.table["image"]
    if set(place) != set(images):
        both = len(set(place) & set(images))
        raise InputError(
            f"compare: expected predictions of the same images. Received: {len(images):,} and"
            f" {len(place):,}, of which {both:,} are in both"
        )
    second = second.take(np.array([place[image] for image in images]))
    if (second.labels != first.labels).any():
        raise InputError("compare: expected the same labels in both")
    return second


def delong(positive: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """AUCs of k scores of the same images, and their covariance (DeLong et al. 1988).

    By midranks, after Sun and Xu (2014).

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
    """Two-sided p-value of equal AUCs; 1 where the scores rank the images alike."""
    areas, covariance = delong(positive, np.stack([first, second]))
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    if variance <= 0:
        return 1.0
    return float(2 * norm.sf(abs(areas[1] - areas[0]) / np.sqrt(variance)))


def mcnemar_p(first_right: np.ndarray, second_right: np.ndarray) -> float:
    """Two-sided exact p-value of equal accuracies, from the images that only one gets right."""
    only = int((first_right & ~second_right).sum()), int((~first_right & second_right).sum())
    return float(binomtest(min(only), sum(only)).pvalue) if sum(only) else 1.0


def _values(run: Predictions) -> dict[str, float]:
    counted = count_metrics(confusion_matrix(run.labels, run.predicted, len(run.classes)))
    areas = [auc(run.labels == k, column) for k, column in enumerate(run.probabilities.T)]
    return {
        "accuracy": float(counted["accuracy"]),
        "macro_f1": float(counted["macro_f1"]),
        "macro_auc": float(np.mean(areas)),
    }


def _p(differences: np.ndarray) -> float | None:
    """Twice the smaller share of resamples on one side of 0, ties on both; never 0."""
    known = differences[~np.isnan(differences)]
    if not len(known):
        return None
    sides = [(known <= 0).sum(), (known >= 0).sum()]
    return float(min(1.0, 2 * (min(sides) + 1) / (len(known) + 1)))


def comparison_table(first: Predictions, second: Predictions, names: tuple[str, str]) -> str:
    """What `compare`, DeLong and McNemar say, as text in percent."""
    found = compare(first, second)
    second = aligned(first, second)
    lines = [("", *names, "difference [95 % interval]", "p")]
    for name, item in found.items():
        lines.append((OVERALL[name], *_points(item), _p_text(item.p)))
    text = [line.rstrip() for line in text_table(lines, "<")]
    unit = "patients" if first.has_patients else "images, as not every patient is known"
    text.append(f"paired bootstrap of {unit}, 2,000 resamples; second less first")
    right = (first.predicted == first.labels, second.predicted == second.labels)
    tests = [f"McNemar's test of accuracy p {_p_text(mcnemar_p(*right))}"]
    if len(first.classes) == 2:
        p = delong_p(first.labels == 1, first.probabilities[:, 1], second.probabilities[:, 1])
        tests.append(f"DeLong's of the AUC p {_p_text(p)}")
    return "\n".join([*text, f"taking images for independent: {', '.join(tests)}"])


def _points(item: Difference) -> tuple[str, str, str]:
    if item.low is None:
        return _percent(item.first), _percent(item.second), "undefined"
    bounds = f"[{100 * item.low:+.1f}, {100 * item.high:+.1f}]"
    return _percent(item.first), _percent(item.second), f"{100 * item.value:+.1f} {bounds}"


def _percent(value: float) -> str:
    return "undefined" if np.isnan(value) else f"{100 * value:.1f}"


def _p_text(p: float | None) -> str:
    if p is None:
        return "undefined"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
