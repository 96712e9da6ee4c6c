"""Summarise the metrics of several folds or seeds."""

from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

import numpy as np

from covid_keras.metrics.claims import Claim, judge
from covid_keras.metrics.results import Metrics
from covid_keras.metrics.scores import OVERALL
from covid_keras.runs.metrics_file import read_metrics
from covid_keras.runs.run import Run, command
from covid_keras.utils.files import write_json


def summarise(folder: Run, members: Sequence[Metrics], claims: Sequence[Claim] = ()) -> Metrics:
    """Return mean, lowest and highest value of every metric, and write metrics.json on top.

    Args:
        folder: Holds the runs; its metrics.json keeps the results of other sets.
        members: The metrics of each run on one set, in the order of `folder.members`.
        claims: To judge, by the mean, lowest and highest value.

    Returns:
        Metrics with the lowest and highest run as `low` and `high`; images and confusion matrix are
        sums over the runs.
    """
    first, matrices = members[0], [run["confusion_matrix"] for run in members]
    method = f"mean [lowest, highest] of {len(members)} runs"
    names = [str(run.path.relative_to(folder.path)) for run in folder.members]
    values = [{name: run[name]["value"] for name in OVERALL} for run in members]
    content = {
        "runs": dict(zip(names, values, strict=True)),
        "images": sum(run["images"] for run in members),
        "patients": None,
        "classes": first["classes"],
        "images_per_class": {
            name: sum(run["images_per_class"][name] for run in members) for name in first["classes"]
        },
        "confusion_matrix": np.sum(matrices, axis=0).tolist(),
        "metrics": {name: _spread([run[name] for run in members], method) for name in OVERALL},
        "per_class": {
            label: {
                name: _spread([run["per_class"][label][name] for run in members], method)
                for name in entries
            }
            for label, entries in first["per_class"].items()
        },
        "bounds": "lowest, highest run",
        "intervals": method,
        "notes": [],
    }
    file = folder.metrics_file
    before = read_metrics(file)["splits"] if file.exists() else {}
    stamps = dict.fromkeys(stamp for run in members for stamp in run["stamps"])
    splits = before | {first["set"]: content}
    metrics = {"stamps": list(stamps), "command": command(), "splits": splits}
    content["claims"] = judge(claims, metrics, first["set"])
    write_json(file, metrics)
    return Metrics.of_set(metrics, first["set"])


def _spread(entries: Sequence[Mapping[str, Any]], method: str) -> dict[str, Any]:
    values = [entry["value"] for entry in entries if entry["value"] is not None]
    if not values:
        return {"value": None, "low": None, "high": None, "method": method}
    return {"value": mean(values), "low": min(values), "high": max(values), "method": method}
