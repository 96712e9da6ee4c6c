"""PPV and NPV at the prevalence where a network would be used."""

from collections.abc import Callable

import numpy as np

from covid_keras.metrics import intervals
from covid_keras.metrics.classification import count_metrics, ratio
from covid_keras.metrics.intervals import UNDEFINED, Interval
from covid_keras.metrics.predictions import Predictions
from covid_keras.utils.errors import InputError


def at_prevalence(predictions: Predictions, prevalence: float, seed: int = 0) -> dict:
    """Return PPV and NPV of the last class against the rest at another prevalence.

    By Bayes' rule, as sensitivity and specificity do not depend on the prevalence.

    Args:
        predictions: Every image with a label.
        prevalence: Share of the last class, more than 0 and less than 1.
        seed: Seed of the bootstrap.

    Returns:
        {prevalence, class, ppv, npv}, the last two {value, low, high, method}; None if sensitivity
        or specificity is undefined.

    Raises:
        InputError: A prevalence outside of (0, 1).
    """
    check(prevalence)
    clusters = predictions.clusters
    counted = count_metrics(predictions.confusion_matrix)
    drawn = intervals.bootstrap(predictions.labels, predictions.probabilities, clusters, seed=seed)
    point = [float(counted[name][-1]) for name in ("sensitivity", "specificity")]
    draws = [drawn[name][:, -1] for name in ("sensitivity", "specificity")]
    positive = predictions.labels == len(predictions.classes) - 1
    units = [len(np.unique(clusters[rows])) for rows in (positive, ~positive)]

    def entry(rule: Callable) -> dict:
        value = float(rule(*point, prevalence))
        if np.isnan(value):
            return dict(UNDEFINED)
        resampled = rule(*draws, prevalence)
        interval = intervals.percentile_interval(resampled, f"{predictions.unit} bootstrap")
        if interval.low == interval.high:  # all resamples agree: one observation per unit
            bounds = [intervals.wilson(p * n, n) for p, n in zip(point, units, strict=True)]
            low, high = (float(rule(*ends, prevalence)) for ends in zip(*bounds, strict=True))
            interval = Interval(low, high, "from Wilson's bounds of sensitivity and specificity")
        return interval.entry(value)

    last = predictions.classes[-1]
    return {"prevalence": prevalence, "class": last, "ppv": entry(ppv), "npv": entry(npv)}


def check(prevalence: float) -> None:
    """Raise InputError unless the prevalence is more than 0 and less than 1."""
    if not 0 < prevalence < 1:
        received = f"Received: {prevalence}"
        raise InputError(f"prevalence: expected more than 0 and less than 1. {received}")


def ppv(sensitivity, specificity, prevalence: float) -> float | np.ndarray:
    """Return the share of true positives among predicted positives; NaN if there are none."""
    true, false = sensitivity * prevalence, (1 - specificity) * (1 - prevalence)
    return ratio(true, true + false)


def npv(sensitivity, specificity, prevalence: float) -> float | np.ndarray:
    """Return the share of true negatives among predicted negatives; NaN if there are none."""
    true, false = specificity * (1 - prevalence), (1 - sensitivity) * prevalence
    return ratio(true, true + false)
