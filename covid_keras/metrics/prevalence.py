"""PPV and NPV where the class is as frequent as it is where the network would be used."""

import numpy as np

from covid_keras.metrics.classification import confusion_matrix, count_metrics
from covid_keras.metrics.intervals import (
    UNDEFINED,
    Interval,
    bootstrap,
    percentile_interval,
    wilson,
)
from covid_keras.metrics.predictions import Predictions
from covid_keras.utils.errors import InputError


def at_prevalence(predictions: Predictions, prevalence: float, seed: int = 0) -> dict:
    """PPV and NPV of the last class against the rest, by Bayes' rule from its sensitivity and
    specificity, which do not depend on the prevalence.

    Args:
        prevalence: share of the last class, more than 0 and less than 1.

    Returns:
        {prevalence, class, ppv, npv}, the last two {value, low, high, method}; None where
        sensitivity or specificity is undefined.

    Raises:
        InputError: no such prevalence.
    """
    check(prevalence)
    clusters = predictions.clusters
    classes = len(predictions.classes)
    counted = count_metrics(confusion_matrix(predictions.labels, predictions.predicted, classes))
    drawn = bootstrap(predictions.labels, predictions.probabilities, clusters, seed=seed)
    point = [float(counted[name][-1]) for name in ("sensitivity", "specificity")]
    draws = [drawn[name][:, -1] for name in ("sensitivity", "specificity")]
    positive = predictions.labels == classes - 1
    units = [len(np.unique(clusters[rows])) for rows in (positive, ~positive)]
    method = f"{predictions.unit} bootstrap"
    return {
        "prevalence": prevalence,
        "class": predictions.classes[-1],
        "ppv": _entry(ppv, point, draws, prevalence, units, method),
        "npv": _entry(npv, point, draws, prevalence, units, method),
    }


def check(prevalence: float) -> None:
    """Raise InputError unless the prevalence is more than 0 and less than 1."""
    if not 0 < prevalence < 1:
        raise InputError(
            f"prevalence: expected more than 0 and less than 1. Received: {prevalence}"
        )


def ppv(sensitivity, specificity, prevalence: float):
    """Of those called positive, the share that is; NaN where nobody is called so."""
    true, false = sensitivity * prevalence, (1 - specificity) * (1 - prevalence)
    return _share(true, false)


def npv(sensitivity, specificity, prevalence: float):
    """Of those called negative, the share that is; NaN where nobody is called so."""
    true, false = specificity * (1 - prevalence), (1 - sensitivity) * prevalence
    return _share(true, false)


def _share(true, false):
    total = np.asarray(true + false, float)
    return np.divide(true, total, out=np.full(total.shape, np.nan), where=total > 0)


def _entry(rule, point, draws, prevalence: float, units, method: str) -> dict:
    value = float(rule(*map(np.asarray, point), prevalence))
    if np.isnan(value):
        return dict(UNDEFINED)
    interval = percentile_interval(rule(*draws, prevalence), method)
    if (
        interval.low == interval.high
    ):  # all resamples agree: the bounds of both proportions, one a unit
        bounds = [wilson(p * n, n) for p, n in zip(point, units, strict=True)]
        low, high = (
            float(rule(*(np.asarray(pair[side]) for pair in bounds), prevalence)) for side in (0, 1)
        )
        interval = Interval(low, high, "from Wilson's bounds of sensitivity and specificity")
    return interval.entry(value)
