"""Summarise the metrics of several folds or seeds, and score the answers of folds together."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from covid_keras.datasets.label_files import SPLITS
from covid_keras.evaluation.member_shortcuts import shortcuts_of_all
from covid_keras.evaluation.out_of_fold import TEST, out_of_fold
from covid_keras.metrics.claims import Claim, judge, parse
from covid_keras.metrics.member_sentences import spread
from covid_keras.metrics.scores import OVERALL
from covid_keras.runs.metrics_file import read_metrics
from covid_keras.runs.run import Run, command
from covid_keras.runs.stamps import NO_EXTERNAL_TEST
from covid_keras.runs.training import training_facts
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import read_json, write_json
from covid_keras.utils.shape import check_shape

_RECIPE = {"data": {"folds": int}}
Claims = Mapping[str, Sequence[Claim]]


def measure_members(folder: Run, claims: Claims | None = None) -> dict:
    """Summarise the evaluated runs of a folder; write metrics.json on top, and return it.

    A set has mean, lowest and highest value of every metric over the runs. Where the runs are
    folds, `pooled` of test holds the scores of all their answers as one set, which are written to
    predictions_test.csv; their images are matched within each fold. Probes have the mean AUC of the
    runs, see `shortcuts_of_all`.

    Args:
        folder: holds the runs.
        claims: {set: claims to judge}; without, those of the last time are judged again.

    Raises:
        InputError: no run was evaluated, or a file is damaged.
    """
    known = {r: read_metrics(r.metrics_file) for r in folder.members if r.metrics_file.exists()}
    if not known:
        raise InputError(
            f"{folder.path}: expected an evaluated run in it (covid-keras evaluate"
            f" {folder.path}). Received: none"
        )
    names = dict.fromkeys(name for each in known.values() for name in each["splits"])
    stamps = dict.fromkeys(stamp for each in known.values() for stamp in each["stamps"])
    if {*names} - {*SPLITS}:
        stamps.pop(NO_EXTERNAL_TEST, None)
    looks = [each.get("looks", {}) for each in known.values()]
    metrics: dict[str, Any] = {
        "stamps": [*stamps],
        "command": command(),
        "training": training_facts([*known]),
        "looks": {name: max(each.get(name, 0) for each in looks) for name in names},
        "unfinished": _unfinished(folder, known),
        "splits": {name: _summary(folder, name, known) for name in names},
    }
    if folds := out_of_fold([*known]):
        asked = known[folds.runs[0]]["splits"][TEST].get("at_prevalence", {})
        found = folds.metrics(folder, asked.get("prevalence"))
        metrics["splits"][TEST]["pooled"] = found.pop("pooled")
        metrics |= found
        folds.write(folder)
    metrics = shortcuts_of_all([*known.values()]) | metrics
    if maps := _maps(known):
        metrics["maps"] = maps
    before = read_metrics(folder.metrics_file)["splits"] if folder.metrics_file.exists() else {}
    for name, result in metrics["splits"].items():
        told = before.get(name, {}).get("claims", ())
        given = (claims or {}).get(name, [parse(claim["claim"], names) for claim in told])
        result["claims"] = judge(given, metrics, name)
    write_json(folder.metrics_file, metrics)
    return metrics


def _summary(folder: Run, name: str, known: Mapping[Run, dict]) -> dict:
    """Return mean, lowest and highest value of every metric of one set.

    Images and confusion matrix are sums over the runs.
    """
    runs = {run: each["splits"][name] for run, each in known.items() if name in each["splits"]}
    results = [*runs.values()]
    classes, n = results[0]["classes"], len(results)
    method = f"mean [lowest, highest] of {n} runs"
    matrices = [result["confusion_matrix"] for result in results]
    return {
        "runs": {str(run.path.relative_to(folder.path)): _values(known[run], name) for run in runs},
        "images": sum(result["images"] for result in results),
        "patients": None,
        "classes": classes,
        "images_per_class": {
            label: sum(result["images_per_class"][label] for result in results) for label in classes
        },
        "confusion_matrix": np.sum(matrices, axis=0).tolist(),
        "metrics": {
            metric: _spread([result["metrics"][metric] for result in results], method)
            for metric in OVERALL
        },
        "per_class": {
            label: {
                metric: _spread([result["per_class"][label][metric] for result in results], method)
                for metric in entries
            }
            for label, entries in results[0]["per_class"].items()
        },
        "bounds": "lowest, highest run",
        "intervals": method,
        "notes": [],
    }


def _values(metrics: Mapping, name: str) -> dict[str, float | None]:
    """Return the values of one run, by image and by patient, and its lead over the baseline."""
    result = metrics["splits"][name]
    values = {key: result["metrics"][key]["value"] for key in OVERALL}
    if level := result.get("patient_level"):
        values |= {f"patient_{key}": level["metrics"][key]["value"] for key in OVERALL}
    if name == TEST and (baseline := metrics.get("metadata_baseline")):
        values |= {key: baseline["macro_auc"][key] for key in ("lead", "lead_low", "lead_high")}
    return values


def _spread(entries: Sequence[Mapping[str, Any]], method: str) -> dict[str, Any]:
    known = spread([entry["value"] for entry in entries if entry["value"] is not None])
    return (known or {"value": None, "low": None, "high": None}) | {"method": method}


def _maps(known: Mapping[Run, dict]) -> dict[str, dict]:
    """Return what the maps of each run are worth, {set: {method and run: as of the run}}."""
    found: dict[str, dict] = {}
    for run, metrics in known.items():
        for name, methods in metrics.get("maps", {}).items():
            for method, part in methods.items():
                named = part["sentence"].replace(method, f"{method} of {run.path.name}", 1)
                told = {"sentence": named}
                found.setdefault(name, {})[f"{method} of {run.path.name}"] = part | told
    return found


def _unfinished(folder: Run, known: Mapping[Run, dict]) -> list[str]:
    """Return the names of runs that were not evaluated, also of folds that were never begun."""
    places = {str(run.path.relative_to(folder.path)): run for run in folder.members}
    expected = dict.fromkeys(places)
    if all(name.startswith("fold_") for name in places):
        recipe = read_json(next(iter(known)).recipe_file)
        check_shape(recipe, _RECIPE, str(folder.path))
        expected |= {f"fold_{k}": None for k in range(recipe["data"]["folds"])}
    return sorted(name for name in expected if places.get(name) not in known)
