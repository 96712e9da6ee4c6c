"""PPV and NPV at the prevalence where a network would be used."""

import numpy as np

from covid_keras.metrics.classification import ratio
from covid_keras.metrics.intervals import UNDEFINED, Estimate, Interval
from covid_keras.metrics.predictions import Predictions
from covid_keras.metrics.scores import estimates
from covid_keras.utils.errors import InputError


def at_prevalence(predictions: Predictions, prevalence: float) -> dict:
    """Return PPV and NPV of the last class against the rest at another prevalence.

    By Bayes' rule, as sensitivity and specificity do not depend on the prevalence. The intervals
    are on the logit scale (Mercaldo et al. 2007); where no error was seen, from the bounds of
    sensitivity and specificity.

    Args:
        predictions: Every image with a label.
        prevalence: Share of the last class, more than 0 and less than 1.

    Returns:
        {prevalence, class, ppv, npv}, the last two {value, low, high, method}; None if sensitivity
        or specificity is undefined.

    Raises:
        InputError: A prevalence outside of (0, 1).
    """
    check(prevalence)
    found = estimates(predictions)
    sensitivity, specificity = found["sensitivity"][-1], found["specificity"][-1]

    def entry(rule) -> dict:
        parts = (sensitivity, specificity)
        value = float(rule(*(part.value for part in parts), prevalence))
        if np.isnan(value):
            return dict(UNDEFINED)
        units = min(part.units for part in parts)
        if 0 < value < 1:
            slopes = _slopes(rule, *(part.value for part in parts), prevalence)
            influence = sum(s * part.influence for s, part in zip(slopes, parts, strict=True))
            return Estimate(value, influence, units, "mean").entry(predictions.unit)
        if units < 2:
            return Estimate(value, sensitivity.influence, units).entry(predictions.unit)
        ends = zip(*(part.bounds() for part in parts), strict=True)
        low, high = (float(rule(*pair, prevalence)) for pair in ends)
        return Interval(low, high, "bounds of sensitivity and specificity").entry(value)

    last = predictions.classes[-1]
    return {"prevalence": prevalence, "class": last, "ppv": entry(ppv), "npv": entry(npv)}


def _slopes(rule, sensitivity: float, specificity: float, prevalence: float) -> list[float]:
    """Return the derivatives of `rule` by sensitivity and by specificity."""
    step = 1e-6
    ends = [
        [rule(sensitivity + sign * step, specificity, prevalence) for sign in (1, -1)],
        [rule(sensitivity, specificity + sign * step, prevalence) for sign in (1, -1)],
    ]
    return [float(after - before) / (2 * step) for after, before in ends]


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
