"""Summarise the metrics of several folds or seeds."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

from covid_keras.metrics.results import Metrics
from covid_keras.metrics.text import OVERALL
from covid_keras.runs.folder import Run, command
from covid_keras.utils.files import read_json, write_json


def summarise(folder: Run, members: Sequence[Metrics]) -> Metrics:
    """Return mean, lowest and highest value of every metric, and write metrics.json on top.

    Args:
        folder: holds the runs; metrics.json keeps what it says of other sets.
        members: the metrics of each run, in the order of `folder.members`, of one set.

    Returns:
        Metrics whose `low` and `high` are the lowest and highest value of any run; images and
        confusion matrix are sums over the runs.
    """
    first, count = members[0], len(members)
    method = f"mean [lowest, highest] of {count} runs"
    content = {
        "stamps": list(dict.fromkeys(stamp for one in members for stamp in one["stamps"])),
        "runs": {
            str(run.path.relative_to(folder.path)): _values(one)
            for run, one in zip(folder.members, members, strict=True)
        },
        "images": sum(one["images"] for one in members),
        "patients": None,
        "classes": first["classes"],
        "images_per_class": {
            name: sum(one["images_per_class"][name] for one in members) for name in first["classes"]
        },
        "confusion_matrix": np.sum([one["confusion_matrix"] for one in members], axis=0).tolist(),
        "metrics": {name: _spread([one[name] for one in members], method) for name in OVERALL},
        "per_class": {
            label: {
                name: _spread([one["per_class"][label][name] for one in members], method)
                for name in entries
            }
            for label, entries in first["per_class"].items()
        },
        "bounds": "lowest, highest run",
        "intervals": method,
        "notes": [],
    }
    stamps = content.pop("stamps")
    path: Path = folder.metrics_file
    before = read_json(path)["splits"] if path.exists() else {}
    metrics = {"stamps": stamps, "command": command()}
    metrics["splits"] = before | {first["set"]: content}
    write_json(path, metrics)
    return Metrics.of_set(metrics, first["set"])


def _values(metrics: Metrics) -> dict[str, float | None]:
    return {name: metrics[name]["value"] for name in OVERALL}


def _spread(entries: Sequence[Mapping[str, Any]], method: str) -> dict[str, Any]:
    values = [entry["value"] for entry in entries if entry["value"] is not None]
    if not values:
        return {"value": None, "low": None, "high": None, "method": method}
    return {"value": mean(values), "low": min(values), "high": max(values), "method": method}
