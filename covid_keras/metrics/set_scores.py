"""All that is measured of one set of predictions, as metrics.json holds it."""

import pandas as pd

from covid_keras.metrics import operating_point
from covid_keras.metrics.comparison import paired_differences
from covid_keras.metrics.point import OperatingPoint
from covid_keras.metrics.predictions import Predictions
from covid_keras.metrics.prevalence import at_prevalence
from covid_keras.metrics.scores import score, score_groups
from covid_keras.metrics.uncertainty import selective


def score_set(
    predictions: Predictions,
    attributes: pd.DataFrame,
    point: OperatingPoint | None = None,
    prevalence: float | None = None,
    seed: int = 0,
    resamples: int = 2000,
) -> dict:
    """Return `score`'s metrics and all that stands beside them, ready for JSON.

    Args:
        predictions: of N images, each with a label.
        attributes: N rows of what scores are grouped by.
        point: fitted on val; None leaves out calibration, threshold and patient level.
        prevalence: of the last class, for its PPV and NPV.
        seed, resamples: of the bootstraps.

    Raises:
        InputError: an image without a label, or a prevalence outside of (0, 1).
    """
    result = score(predictions)
    if point:
        result |= operating_point.apply(point, predictions, seed, resamples)
    if prevalence is not None:
        result["at_prevalence"] = at_prevalence(predictions, prevalence)
    result["uncertainty"] = selective(predictions, resamples, seed)
    result["groups"] = score_groups(predictions, attributes)
    return result


def scores_and_change(
    scored: Predictions, first: Predictions, second: Predictions, name: str = "change"
) -> dict:
    """Return images, accuracy and macro AUC of `scored`, with `second` minus `first` as `name`."""
    result, change = score(scored), paired_differences(first, second)
    names = ("accuracy", "macro_auc")
    scores = {key: result["metrics"][key] | change[key].entry(name) for key in names}
    return {"images": result["images"], **scores}
