"""How sure a network is, image by image, and what its answers are worth once the unsure ones are
left to a person.

Entropies are in nats. The members of an ensemble are networks of several seeds or folds, or one
network's answers to several augmented views of an image.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from covid_keras.metrics.intervals import (
    Interval,
    agreeing_interval,
    draws,
    percentile_interval,
    wilson,
)
from covid_keras.metrics.predictions import Predictions

COVERAGES = (0.5, 0.8, 0.9)
"""Shares of the images, the surest first, that accuracy is given for."""


@dataclass(frozen=True)
class RiskCoverage:
    """Share of wrong answers among the surest images, for every number of images kept."""

    coverage: np.ndarray
    """(G,) in (0, 1]: one entry for each different confidence, the highest first."""
    risk: np.ndarray
    """(G,) in [0, 1]."""

    @property
    def area(self) -> float:
        """Mean risk over all coverages (AURC, Geifman et al. 2019); the less, the better. Images
        of one confidence are taken in together."""
        return float(np.diff(self.coverage, prepend=0) @ self.risk)


def entropy(probabilities: np.ndarray) -> np.ndarray:
    """(..., K) to (...): 0 where one class has all, log K where all are equal."""
    logs = np.log(probabilities, out=np.zeros_like(probabilities), where=probabilities > 0)
    return -(probabilities * logs).sum(axis=-1)


def disagreement(members: np.ndarray) -> np.ndarray:
    """(M, N, K) to (N,): the mutual information of the answer and the member (Houlsby et al. 2011).

    0 where all members say the same, however unsure: it is what more members could settle.
    """
    return np.maximum(entropy(members.mean(axis=0)) - entropy(members).mean(axis=0), 0)


def mean_of(members: Sequence[Predictions]) -> Predictions:
    """The mean of the members' probabilities; the rows are aligned with the first's."""
    mean = np.mean([member.probabilities for member in members], axis=0)
    return replace(members[0], probabilities=mean)


def risk_coverage(right: np.ndarray, confidence: np.ndarray) -> RiskCoverage:
    """Of N images: whether each answer is right, and how sure it is."""
    order, ends = _ranked(confidence)
    wrong = np.cumsum(~right[order])[ends]
    return RiskCoverage((ends + 1) / len(right), wrong / (ends + 1))


def selective(predictions: Predictions, resamples: int = 2000, seed: int = 0) -> dict:
    """The area under the risk-coverage curve, and accuracy on the surest images, with intervals.

    The confidence is the probability of the predicted class.

    Returns:
        `aurc` {value, low, high, method}; `aurc_random`, the mean risk where confidence says
        nothing, which is the share of wrong answers; `accuracy_at` {"0.8": {value, low, ...}};
        `entropy` {"right", "wrong"}: mean nats, None where there is no such answer.
    """
    right = predictions.predicted == predictions.labels
    confidence = predictions.probabilities.max(axis=1)
    clusters, method = predictions.clusters, f"{predictions.unit} bootstrap"
    order, ends = _ranked(confidence)
    wrong, owner = ~right[order], clusters[order]
    parts = []
    for weights in draws(int(clusters.max()) + 1, resamples, len(right), seed):
        parts.append(_weighted(weights[:, owner], wrong, ends))
    drawn = np.concatenate(parts)
    once = _weighted(np.ones((1, len(right))), wrong, ends)[0]
    spread = entropy(predictions.probabilities)
    return {
        "aurc": percentile_interval(drawn[:, 0], method).entry(float(once[0])),
        "aurc_random": float(wrong.mean()),
        "accuracy_at": {
            str(share): _accuracy(
                predictions, owner[: _reached(ends, share) + 1], float(value), values
            ).entry(float(value))
            for share, value, values in zip(COVERAGES, once[1:], drawn[:, 1:].T, strict=True)
        },
        "entropy": {
            "right": float(spread[right].mean()) if right.any() else None,
            "wrong": float(spread[~right].mean()) if not right.all() else None,
        },
    }


def _accuracy(
    predictions: Predictions, kept: np.ndarray, value: float, drawn: np.ndarray
) -> Interval:
    """As for any accuracy: Wilson's interval where patients are not known, or all draws agree."""
    if not predictions.has_patients:
        return Interval(*wilson(value * len(kept), len(kept)), "Wilson")
    interval = percentile_interval(drawn, "patient bootstrap")
    if interval.low < interval.high:
        return interval
    return agreeing_interval("accuracy", value, len(np.unique(kept)), predictions.unit)


def _reached(ends: np.ndarray, share: float) -> int:
    """The last place of the least set of the surest images that reaches the share of all."""
    return int(ends[np.searchsorted(ends + 1, share * (ends[-1] + 1) - 1e-9)])


def _ranked(confidence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Images by falling confidence, and the place of the last one of each confidence."""
    order = np.argsort(-confidence, kind="stable")
    return order, np.flatnonzero(np.append(np.diff(confidence[order]) != 0, True))


def _weighted(weights: np.ndarray, wrong: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """(R, 1 + C): area and accuracy at each of `COVERAGES` of R weightings of the ranked images.

    Accuracy at a coverage is that of the least set of the surest images that reaches it.
    """
    lost = weights * wrong
    if len(ends) < len(wrong):  # images of one confidence count as one
        starts = np.append(0, ends[:-1] + 1)
        weights, lost = (np.add.reduceat(part, starts, axis=1) for part in (weights, lost))
    kept = weights.cumsum(axis=1)
    risk = lost.cumsum(axis=1, out=lost)
    risk /= np.maximum(kept, 1)
    total = kept[:, -1]
    columns = [np.einsum("rg,rg->r", weights, risk) / total]
    for share in COVERAGES:
        least = share * total - 1e-9
        place = [np.searchsorted(row, value) for row, value in zip(kept, least, strict=True)]
        columns.append(1 - risk[np.arange(len(risk)), place])
    return np.stack(columns, axis=1)
