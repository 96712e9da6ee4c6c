"""From predictions files to metrics.json and the figures of a run."""

import logging

import pandas as pd

from covid_keras.data.attributes import attributes
from covid_keras.data.rows import SPLITS
from covid_keras.errors import InputError
from covid_keras.evaluation import Predictions, evaluate, operating, read_predictions
from covid_keras.evaluation.beyond import beyond
from covid_keras.evaluation.compare import compare
from covid_keras.evaluation.groups import grouped
from covid_keras.evaluation.prevalence import at_prevalence
from covid_keras.files import write_json
from covid_keras.report.figures import (
    confusion_matrix_figure,
    learning_curves,
    reliability_figure,
    roc_figure,
)
from covid_keras.runs import RunFolder, command

GROUPS = ("age", "sex", "view", "country")
"""Attributes that scores are given for; the source comes with the predictions."""

_log = logging.getLogger(__name__)


def measure(run: RunFolder, prevalence: float | None = None) -> dict:
    """Evaluate every predictions_<name>.csv of the run; returns what metrics.json then holds.

    Temperature, threshold and the rule for patients are fitted on val alone. Writes metrics.json,
    figures/learning_curves.png, and confusion_matrix_<name>.png, roc_<name>.png and
    reliability_<name>.png beside it. The seed of the bootstrap is the recipe's.

    Args:
        run: with predictions.
        prevalence: of the last class, where PPV and NPV are wanted for it.

    Raises:
        InputError: a predictions file is damaged.
    """
    recipe, stamps = run.recipe(), run.stamps()
    metrics = {
        "stamps": stamps,
        "command": command(),
        "looks": run.looks(),
        "operating_point": None,
        "splits": {},
    }
    point = None
    if run.predictions_file("val").exists():
        point = operating.fit(read_predictions(run.predictions_file("val")))
        metrics["operating_point"] = point.to_json()
    for name in run.predicted():
        predictions = read_predictions(run.predictions_file(name))
        result = evaluate(predictions, seed=recipe.seed)
        if point:
            result |= beyond(predictions, point, seed=recipe.seed)
            path = run.figures / f"reliability_{name}.png"
            reliability_figure(path, predictions, result, stamps, name)
        if prevalence is not None:
            result["at_prevalence"] = at_prevalence(predictions, prevalence, recipe.seed)
        result["groups"] = grouped(predictions, _attributes(run, name, predictions), recipe.seed)
        metrics["splits"][name] = result
        confusion_matrix_figure(run.figures / f"confusion_matrix_{name}.png", result, stamps, name)
        roc_figure(run.figures / f"roc_{name}.png", predictions, result, stamps, name)
    metrics["ablations"] = _ablations(run)
    knees = recipe.training.knees[:-1]
    learning_curves(run.figures / "learning_curves.png", run.log_file, stamps, knees)
    write_json(run.metrics_file, metrics)
    return metrics


def _ablations(run: RunFolder) -> dict[str, dict]:
    """{what was done to the test images: scores, and their difference from the whole images'}."""
    found = {}
    for file in sorted(run.ablations.glob("*.csv")):
        whole = read_predictions(run.predictions_file("test"))
        left = read_predictions(file)
        seed = run.recipe().seed
        result = evaluate(left, seed)["metrics"]
        change = compare(whole, left, seed)
        found[file.stem.replace("_", " ")] = {
            name: result[name]
            | {"change": change[name].value, "change_low": change[name].low}
            | {"change_high": change[name].high}
            for name in ("accuracy", "macro_auc")
        }
    return found


def _attributes(run: RunFolder, name: str, predictions: Predictions) -> pd.DataFrame:
    """What scores are grouped by: the source, and, of the run's own images, age, sex and view."""
    found = predictions.table[["source"]]
    if name not in SPLITS:
        return found
    records = run.split()
    try:
        known = attributes(run.recipe().data.dataset, run.data_root(), records)
    except InputError as error:
        _log.warning("scores by age, sex and view are left out: %s", error)
        return found
    known = known.set_axis(records["image"])[[c for c in GROUPS if c in known]]
    return pd.concat([found, known.loc[predictions.table["image"]].reset_index(drop=True)], axis=1)
