"""Ensembles: the mean of the probabilities of several runs.

The result is a folder that is scored and compared like a run, but has no network.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from covid_keras.datasets.label_files import SPLITS
from covid_keras.metrics.comparison import Difference, aligned, paired_differences
from covid_keras.metrics.predictions import Predictions
from covid_keras.runs.predictions_file import read_predictions, write_predictions, write_uncertainty
from covid_keras.runs.run import Run, describe_predictions
from covid_keras.utils.errors import InputError

Sets = dict[str, list[Predictions]]
"""{averaged set: the members' predictions, aligned}."""


def join(runs: Sequence[Run], folder: Run) -> tuple[Sets, dict[str, str]]:
    """Average into `folder` every set that all runs have predicted and none was trained on.

    Returns:
        The averaged sets, and {set that was not averaged: the reason}.

    Raises:
        InputError: Fewer than two runs, the same run twice, not a run folder, or no such set.
    """
    if len({run.path.resolve() for run in runs}) < max(len(runs), 2):
        raise InputError("ensemble: expected two or more different runs")
    for run in runs:
        run.recipe()  # raises InputError for a folder that is no run, such as another ensemble
    left_out, sets = {}, {}
    for name in sorted({name for run in runs for name in run.predicted()}):
        if reason := _obstacle(name, runs):
            left_out[name] = reason
            continue
        try:
            first, *others = (read_predictions(run.predictions_file(name)) for run in runs)
            sets[name] = [first, *(aligned(first, other) for other in others)]
        except InputError as error:
            left_out[name] = str(error)
    if not sets:
        expected = "ensemble: expected a set that all runs have predicted"
        reasons = "; ".join(f"{name}: {reason}" for name, reason in left_out.items())
        raise InputError(f"{expected}. Received: {reasons or 'no predictions'}")
    for name, members in sets.items():
        write_mean(folder, name, members)
    stamps = dict.fromkeys(stamp for run in runs for stamp in run.known_stamps())
    members = [str(run.path.resolve()) for run in runs]
    describe_predictions(folder, runs[0], list(stamps), members=members)
    return sets, left_out


def write_mean(folder: Run, name: str, members: Sequence[Predictions]) -> None:
    """Write predictions_<name>.csv and uncertainty_<name>.csv of the mean of aligned members.

    The fold stays empty where the members are of different folds.
    """
    stacked = np.stack([member.probabilities for member in members])
    mean, table = replace(members[0], probabilities=stacked.mean(axis=0)), members[0].table
    if any((member.table["fold"] != table["fold"]).any() for member in members):
        table = table.assign(fold="")
    write_predictions(folder.predictions_file(name), table, mean.probabilities, mean.classes)
    write_uncertainty(folder.uncertainty_file(name), mean, stacked)


def gains(sets: Sets, folder: Run) -> dict[str, list[dict[str, Difference]]]:
    """Return {set: for each member, the ensemble minus the member}, paired by image."""
    means = {name: read_predictions(folder.predictions_file(name)) for name in sets}
    return {
        name: [paired_differences(member, means[name]) for member in members]
        for name, members in sets.items()
    }


def _obstacle(name: str, runs: Sequence[Run]) -> str:
    """Return why a set cannot be averaged, "" if it can."""
    for run in runs:
        if not run.predictions_file(name).exists():
            return f"{run.path} has not predicted it"
    if name == "train":
        return "the runs were trained on it"
    if name not in SPLITS:
        trained = [run.path for run in runs if run.recipe().data.dataset == name != "folder"]
        return f"{trained[0]} was trained on this data set" if trained else ""
    images = {frozenset(run.split(name)["image"]) for run in runs}
    return "" if len(images) == 1 else "not the same images in all runs"
