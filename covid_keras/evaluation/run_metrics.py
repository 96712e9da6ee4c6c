"""From predictions to metrics.json and the figures of a run."""

import logging
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path

import pandas as pd

from covid_keras.datasets.attributes import attributes
from covid_keras.datasets.label_files import SPLITS
from covid_keras.evaluation.matched_test import matched_scores
from covid_keras.evaluation.plan import SET, judge_plan
from covid_keras.figures import set_figures
from covid_keras.figures.canvas import FORMATS, save
from covid_keras.figures.learning_curves import learning_curves_figure
from covid_keras.metrics import operating_point
from covid_keras.metrics.claims import Claim, judge
from covid_keras.metrics.predictions import Predictions
from covid_keras.metrics.set_scores import score_set, scores_and_change
from covid_keras.runs.environment import command
from covid_keras.runs.maps_file import map_verdicts
from covid_keras.runs.predictions_file import read_predictions
from covid_keras.runs.probes_file import read_probes
from covid_keras.runs.run import Run
from covid_keras.runs.training import training_facts
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import read_json_value, visible, write_json

GROUPS = ("age", "sex", "view", "country")
"""Attributes by which scores are grouped, besides the source."""

_log = logging.getLogger(__name__)


def measure_run(
    run: Run,
    prevalence: float | None = None,
    figures: str | None = None,
    claims: Mapping[str, Sequence[Claim]] | None = None,
) -> dict:
    """Score every predictions_<set>.csv of a run; write metrics.json and figures, return the first.

    The operating point is fitted on val alone. Figures are the learning curves, and of each set the
    confusion matrix, ROC, risk-coverage and reliability. Bootstraps have the run's seed.

    Args:
        run: A run with predictions.
        prevalence: Of the last class, to compute its PPV and NPV at this prevalence.
        figures: "pdf" to write the figures as PDF too, beside PNG and SVG.
        claims: {set: claims to judge}.

    Raises:
        InputError: A predictions file is damaged, or a claim names an unknown class.
    """
    recipe = run.recipe()
    formats = FORMATS if figures is None else (*FORMATS, figures)
    metrics = _score_sets(run, recipe.seed, prevalence, formats)
    metrics["training"] = training_facts([run])
    metrics["ablations"] = ablations([run])
    metrics["test_time_augmentation"] = _test_time_augmentation(run)
    metrics["metadata_baseline"] = metadata_baseline([run])
    metrics |= _shortcuts(run)
    if maps := map_verdicts(run):
        metrics["maps"] = maps
    for name, given in (claims or {}).items():
        metrics["splits"][name]["claims"] = judge(given, metrics, name)
    if run.plan_file.exists() and SET in metrics["splits"]:
        metrics["plan"] = judge_plan(run, metrics)
    knees = recipe.training.knees[:-1]
    figure = learning_curves_figure(run.log_file, metrics["stamps"], knees)
    save(figure, run.figures / "learning_curves.png", formats)
    write_json(run.metrics_file, metrics)
    return metrics


def measure_ensemble(folder: Run, members: Sequence[Run]) -> dict:
    """Score an ensemble, a folder with predictions only, as `measure_run` does a run."""
    metrics = _score_sets(folder, seed=0) | {"training": training_facts(members)}
    write_json(folder.metrics_file, metrics)
    return metrics


def _score_sets(
    run: Run, seed: int, prevalence: float | None = None, formats: Sequence[str] = FORMATS
) -> dict:
    """Score and draw every set that has predictions."""
    stamps, point, results = run.stamps(), None, {}
    if run.predictions_file("val").exists():
        point = operating_point.fit(read_predictions(run.predictions_file("val")))
    for name in run.predicted():
        predictions = read_predictions(run.predictions_file(name))
        known = score_groups_of(run, name, predictions)
        results[name] = score_set(predictions, known, point, prevalence, seed)
        draw_set(run, name, predictions, results[name], stamps, formats)
    return {
        "stamps": stamps,
        "command": command(),
        "looks": run.looks(),
        "operating_point": point.to_json() if point else None,
        "splits": results,
    }


def draw_set(
    run: Run,
    name: str,
    predictions: Predictions,
    result: dict,
    stamps: Sequence[str],
    formats: Sequence[str] = FORMATS,
) -> None:
    """Draw confusion matrix, ROC, risk-coverage and reliability of a set into figures/."""
    figures = {
        "confusion_matrix": set_figures.confusion_matrix_figure(result, stamps, name),
        "roc": set_figures.roc_figure(predictions, result, stamps, name),
        "risk_coverage": set_figures.risk_coverage_figure(predictions, result, stamps, name),
    }
    if "calibration" in result:
        figures["reliability"] = set_figures.reliability_figure(predictions, result, stamps, name)
    for kind, figure in figures.items():
        save(figure, run.figures / f"{kind}_{name}.png", formats)


def ablations(runs: Sequence[Run]) -> dict[str, dict]:
    """Return {ablation: scores, and their change from the plain scores} of a run, or of folds."""
    names = [{file.name for file in visible(run.ablations, "*.csv")} for run in runs]
    results = {}
    for name in sorted(set.intersection(*names)):
        ablated = _joined([run.ablations / name for run in runs])
        plain = _joined([run.predictions_file("test") for run in runs])
        plain = plain.take(plain.table["image"].isin(set(ablated.table["image"])).to_numpy())
        title = name.removesuffix(".csv").replace("_", " ")
        results[title] = scores_and_change(ablated, plain, ablated)
    return results


def _test_time_augmentation(run: Run) -> dict[str, dict]:
    """Return {set: scores of test-time augmentation, and their change from the plain scores}."""
    results = {}
    for name, samples in run.augmented_samples().items():
        mean = read_predictions(run.test_time_augmentation.predictions_file(name))
        plain = read_predictions(run.predictions_file(name))
        results[name] = {"samples": samples} | scores_and_change(mean, plain, mean)
    return results


def metadata_baseline(runs: Sequence[Run]) -> dict | None:
    """Return the metadata baseline's scores, and the network's lead over them, of a run or folds;
    None where one lacks it."""
    baselines = [run.metadata_baseline for run in runs]
    files = [[each.predictions_file("test") for each in part] for part in (runs, baselines)]
    if not all(file.exists() for part in files for file in part):
        return None
    network, baseline = map(_joined, files)
    columns = [read_json_value(each.fingerprint_file, "columns", list) for each in baselines]
    scores = scores_and_change(baseline, baseline, network, "lead")
    return {"columns": [*dict.fromkeys(chain(*columns))]} | scores


def _joined(files: Sequence[Path]) -> Predictions:
    return Predictions.of_folds([read_predictions(file) for file in files])


def _shortcuts(run: Run) -> dict[str, dict]:
    """Return what was found of shortcuts: probes of the features, scores on matched images."""
    if not run.predictions_file("test").exists():
        return {}
    matched = matched_scores(run, read_predictions(run.predictions_file("test")))
    found = {"probes": read_probes(run), "matched": matched}
    return {name: part for name, part in found.items() if part}


def score_groups_of(run: Run, name: str, predictions: Predictions) -> pd.DataFrame:
    """Return what scores are grouped by: the source and, for the run's own splits, `GROUPS`."""
    source = predictions.table[["source"]]
    if name not in SPLITS or not run.recipe_file.exists():
        return source
    try:
        records = run.split()
        records = records[records["image"].isin(set(predictions.table["image"]))]
        known = attributes(run.recipe().data.dataset, run.data(), records)
    except InputError as error:
        _log.warning("no scores by age, sex and view: %s", error)
        return source
    known = known.set_axis(records["image"])[[name for name in GROUPS if name in known]]
    return pd.concat([source, known.loc[predictions.table["image"]].reset_index(drop=True)], axis=1)
