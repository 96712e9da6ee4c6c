"""From predictions files to metrics.json and the figures of a run."""

import logging

import pandas as pd

from covid_keras.datasets.attributes import attributes
from covid_keras.datasets.label_files import SPLITS
from covid_keras.figures.curves import reliability_figure, risk_coverage_figure, roc_figure
from covid_keras.figures.run import confusion_matrix_figure, learning_curves
from covid_keras.metrics import operating_point
from covid_keras.metrics.comparison import paired_differences
from covid_keras.metrics.groups import score_groups
from covid_keras.metrics.predictions import Predictions
from covid_keras.metrics.prevalence import at_prevalence
from covid_keras.metrics.scores import score
from covid_keras.metrics.uncertainty import selective
from covid_keras.runs.folder import Run, command
from covid_keras.runs.predictions import read_predictions
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import read_json_value, write_json

GROUPS = ("age", "sex", "view", "country")
"""Attributes that scores are given for; the source comes with the predictions."""

_log = logging.getLogger(__name__)


def measure(run: Run, prevalence: float | None = None) -> dict:
    """Evaluate every predictions_<name>.csv of the run; returns what metrics.json then holds.

    Temperature, threshold and the rule for patients are fitted on val alone. Writes metrics.json,
    figures/learning_curves.png, and confusion_matrix_<name>.png, roc_<name>.png,
    risk_coverage_<name>.png and reliability_<name>.png beside it. The seed of the bootstrap is the
    recipe's.

    Args:
        run: with predictions.
        prevalence: of the last class, where PPV and NPV are wanted for it.

    Raises:
        InputError: a predictions file is damaged.
    """
    recipe = run.recipe()
    metrics = _sets(run, recipe.seed, prevalence)
    metrics["ablations"] = _ablations(run)
    metrics["test_time_augmentation"] = _test_time_augmentation(run)
    metrics["metadata_baseline"] = _metadata_baseline(run)
    knees = recipe.training.knees[:-1]
    learning_curves(run.figures / "learning_curves.png", run.log_file, metrics["stamps"], knees)
    write_json(run.metrics_file, metrics)
    return metrics


def measure_mean(folder: Run) -> dict:
    """As `measure`, of an ensemble: a folder that has predictions only."""
    metrics = _sets(folder, seed=0, prevalence=None)
    write_json(folder.metrics_file, metrics)
    return metrics


def _sets(run: Run, seed: int, prevalence: float | None) -> dict:
    """Results and figures of all sets that there are predictions of."""
    stamps = run.stamps()
    metrics = {
        "stamps": stamps,
        "command": command(),
        "looks": run.looks(),
        "operating_point": None,
        "splits": {},
    }
    point = None
    if run.predictions_file("val").exists():
        point = operating_point.fit(read_predictions(run.predictions_file("val")))
        metrics["operating_point"] = point.to_json()
    for name in run.predicted():
        predictions = read_predictions(run.predictions_file(name))
        result = score(predictions, seed=seed)
        if point:
            result |= operating_point.apply(point, predictions, seed)
            path = run.figures / f"reliability_{name}.png"
            reliability_figure(path, predictions, result, stamps, name)
        if prevalence is not None:
            result["at_prevalence"] = at_prevalence(predictions, prevalence, seed)
        result["uncertainty"] = selective(predictions, seed=seed)
        result["groups"] = score_groups(predictions, _attributes(run, name, predictions), seed)
        metrics["splits"][name] = result
        confusion_matrix_figure(run.figures / f"confusion_matrix_{name}.png", result, stamps, name)
        roc_figure(run.figures / f"roc_{name}.png", predictions, result, stamps, name)
        path = run.figures / f"risk_coverage_{name}.png"
        risk_coverage_figure(path, predictions, result, stamps, name)
    return metrics


def _ablations(run: Run) -> dict[str, dict]:
    """{what was done to the test images: scores, and their change from the whole images'}."""
    found = {}
    for file in sorted(run.ablations.glob("*.csv")):
        left = read_predictions(file)
        whole = read_predictions(run.predictions_file("test"))
        whole = whole.take(whole.table["image"].isin(set(left.table["image"])).to_numpy())
        found[file.stem.replace("_", " ")] = _beside(left, whole, left, run.recipe().seed)
    return found


def _test_time_augmentation(run: Run) -> dict[str, dict]:
    """Return {set: scores of test-time augmentation, and their change from the plain scores}."""
    found = {}
    for name, samples in run.augmented_samples().items():
        mean = read_predictions(run.test_time_augmentation.predictions_file(name))
        plain = read_predictions(run.predictions_file(name))
        found[name] = {"samples": samples} | _beside(mean, plain, mean, run.recipe().seed)
    return found


def _metadata_baseline(run: Run) -> dict | None:
    """Return the metadata baseline's scores, and the network's lead over them."""
    if not run.predictions_file("test").exists() or not run.metadata_baseline.predicted():
        return None
    baseline = read_predictions(run.metadata_baseline.predictions_file("test"))
    network = read_predictions(run.predictions_file("test"))
    columns = read_json_value(run.metadata_baseline.fingerprint_file, "columns")
    return {"columns": columns} | _beside(baseline, baseline, network, run.recipe().seed, "lead")


def _beside(
    shown: Predictions, first: Predictions, second: Predictions, seed: int, name: str = "change"
) -> dict:
    """Accuracy and macro AUC of `shown`, each with what the second has more than the first, under
    `name`."""
    result, change = score(shown, seed), paired_differences(first, second, seed)
    scores = {
        metric: result["metrics"][metric] | change[metric].entry(name)
        for metric in ("accuracy", "macro_auc")
    }
    return {"images": result["images"], **scores}


def _attributes(run: Run, name: str, predictions: Predictions) -> pd.DataFrame:
    """What scores are grouped by: the source, and, of the run's own images, age, sex and view."""
    found = predictions.table[["source"]]
    if name not in SPLITS or not run.recipe_file.exists():
        return found
    records = run.split()
    records = records[records["image"].isin(set(predictions.table["image"]))]
    try:
        known = attributes(run.recipe().data.dataset, run.data(), records)
    except InputError as error:
        _log.warning("scores by age, sex and view are left out: %s", error)
        return found
    known = known.set_axis(records["image"])[[c for c in GROUPS if c in known]]
    return pd.concat([found, known.loc[predictions.table["image"]].reset_index(drop=True)], axis=1)
