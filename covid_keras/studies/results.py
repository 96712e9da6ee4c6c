"""From finished runs to the cells of a study's table."""

import statistics
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from covid_keras.runs.folder import Run
from covid_keras.studies.execute import finished
from covid_keras.studies.study import Column, Study
from covid_keras.utils.files import read_json

UNDEFINED = "undefined"


def measured(study: Study, out: Path) -> dict[str, list[dict]]:
    """{row: metrics.json of each of its finished runs}."""
    return {
        row: [
            read_json(Run(out / trial.folder).metrics_file)
            for trial in study.trials
            if trial.row == row and finished(out / trial.folder)
        ]
        for row in study.rows
    }


def value(metrics: dict, column: Column) -> float | None:
    """One metric of one run as a fraction in [0, 1], None where it is undefined or not there."""
    whole = metrics["splits"].get(column.split)
    result = whole.get(column.at) if whole and column.at else whole
    if result is None:
        return None
    if column.label is None:
        return result["metrics"][column.metric]["value"]
    return result["per_class"][whole["classes"][column.label]][column.metric]["value"]


def cell(values: Sequence[float | None], spread: str) -> str:
    """Several runs' values in percent, summed up: "87.3 (3.2)" or "87.3 [84.1, 90.0]".

    Args:
        values: fractions; None where undefined.
        spread: "mean (std)", the sample's standard deviation, or "median [min, max]".
    """
    known = [100 * value for value in values if value is not None]
    if len(known) < len(values):
        return f"{UNDEFINED} in {len(values) - len(known)} of {len(values)}"
    if not known:
        return ""
    if len(known) == 1:
        return f"{known[0]:.1f}"
    if spread == "mean (std)":
        return f"{statistics.mean(known):.1f} ({statistics.stdev(known):.1f})"
    return f"{statistics.median(known):.1f} [{min(known):.1f}, {max(known):.1f}]"


def mean_confusion_matrix(runs: Sequence[dict]) -> tuple[list[str], np.ndarray]:
    """Classes, and the test images' confusion matrix (K, K) averaged over runs."""
    matrices = [run["splits"]["test"]["confusion_matrix"] for run in runs]
    return runs[0]["splits"]["test"]["classes"], np.mean(matrices, axis=0)


def stamps(results: dict[str, list[dict]]) -> list[str]:
    """What any of the runs says about itself, most serious first, each once."""
    return list(
        dict.fromkeys(s for runs in results.values() for run in runs for s in run["stamps"])
    )
