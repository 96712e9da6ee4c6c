"""Running a study: each run by the commands that a user would give, in a process of its own.

A run that has finished is not repeated, one that was interrupted goes on, and one that fails is
named at the end while the others finish.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tqdm import tqdm

from covid_keras import recipes
from covid_keras.models import registry
from covid_keras.recipes import config
from covid_keras.recipes.settings import all_settings, override, parse_assignments
from covid_keras.runs.folder import Run
from covid_keras.studies.study import Study, Trial
from covid_keras.utils.errors import InputError, OutOfTime

Call = Callable[[list[str]], str]
"""Runs `covid-keras` with these arguments; returns "" or why it failed."""


@dataclass(frozen=True)
class Source:
    """What all runs of a study share."""

    dataset: str = ""
    """Empty is the recipe's."""
    data: Path | None = None
    """None is the built-in phantom."""
    quick: bool = False
    settings: tuple[str, ...] = ()
    """More of "key=value", for all runs."""
    outside: Path | None = None
    """Images from outside of the data set, which get Grad-CAM from each row's first run."""


def execute(
    study: Study, out: Path, source: Source, call: Call, together: bool = False
) -> dict[str, str]:
    """Run what of the study is not there yet.

    Args:
        study: its trials are run in their order, each into `out / trial.folder`; then the first
            run of each row gets Grad-CAM, t-SNE and a picture of test images.
        out: the study's folder.
        source: data set and settings of all runs.
        call: runs one command, see `command_line`.
        together: whether the folds, or seeds, of a row are trained at once.

    Returns:
        {folder of a failed run: why}, empty where all is well.

    Raises:
        InputError: a run folder is there with other settings.
        OutOfTime: a call says so; it holds the failures.
    """
    for trial in study.trials:
        _check_same(out / trial.folder, trial, source)
    failed: dict[str, str] = {}
    waiting = [trial for trial in study.trials if not finished(out / trial.folder)]
    done = len(study.trials) - len(waiting)
    if done:
        print(f"{done} of {len(study.trials)} runs have finished before", flush=True)
    begun, first = time.monotonic(), done
    try:
        for trials in _at_once(waiting) if together else [[trial] for trial in waiting]:
            left = ""
            if done > first:
                each = (time.monotonic() - begun) / (done - first)
                left = f"; {tqdm.format_interval(each * (len(study.trials) - done))} left"
            folders = ", ".join(str(trial.folder) for trial in trials)
            number = f"{done + 1}" if len(trials) == 1 else f"{done + 1} to {done + len(trials)}"
            print(f"run {number} of {len(study.trials)}: {folders}{left}", flush=True)
            for members, command in _work(study.recipe, trials, out, source, together):
                if any(str(trial.folder) in failed for trial in members):
                    continue
                reason = call(command)
                for trial in members if reason else ():
                    trained = Run(out / trial.folder).model_file.exists()
                    if command[0] != "train" or not trained:
                        failed[str(trial.folder)] = reason
            done += len(trials)
        return failed | _explain(study, out, source, call)
    except OutOfTime:
        raise OutOfTime(failed) from None


def finished(run: Path) -> bool:
    """Whether the run is trained, and measured on test. Its small files alone count, as
    experiments/keep_results.py keeps them: the network may be elsewhere."""
    folder = Run(run)
    trained = folder.model_file.exists() or not folder.last_checkpoint.exists()
    return trained and _measured(folder)


def recipe_of(study: Study, trial: Trial, source: Source, phantom: bool = False) -> config.Recipe:
    """The recipe of one run, or of one on the phantom, its sides in pixels; its steps may wait for
    the number of images."""
    named = dict(recipes.get(study.recipe).phantom) if phantom else {}
    if source.dataset:
        named["data.dataset"] = source.dataset
    given = parse_assignments(list(source.settings))
    recipe = recipes.configured(
        study.recipe,
        named,
        {**trial.settings, **given},
        weights=trial.weights,
        quick=source.quick,
        seed=trial.seed,
    )
    return config.sized(recipe, registry.get(recipe.model.name).input_size)


def changes(study: Study, source: Source) -> list[str]:
    """What of the method differs from the recipe as published in every run of the study, as
    "training.epochs=10, not 100"."""
    phantom = source.data is None
    each = [recipe_of(study, trial, source, phantom).changes for trial in study.trials]
    return [change for change in each[0] if all(change in others for others in each)]


def command_line(log: Path) -> Call:
    """Calls `python -m covid_keras`; its messages go to the file `log`, progress and errors to
    stderr."""

    def call(arguments: list[str]) -> str:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as file:
            print(f"$ covid-keras {' '.join(arguments)}", file=file, flush=True)
            program = [sys.executable, "-m", "covid_keras", *arguments]
            streams = {"stdout": file, "stderr": subprocess.PIPE, "text": True}
            with subprocess.Popen(program, **streams) as process:
                last = ""
                for line in process.stderr:
                    print(f"  {line}", end="", file=sys.stderr, flush=True)
                    last = line.strip() or last
        if process.returncode == 0:
            return ""
        return last or f"ended with code {process.returncode}"

    return call


def _at_once(trials: Sequence[Trial]) -> list[list[Trial]]:
    """The trials by the folder that their runs share."""
    shared: dict[Path, list[Trial]] = {}
    for trial in trials:
        shared.setdefault(trial.folder.parent, []).append(trial)
    return list(shared.values())


def _work(
    recipe: str, trials: Sequence[Trial], out: Path, source: Source, together: bool
) -> Iterator[tuple[Sequence[Trial], list[str]]]:
    """What is left to do for these trials: commands, each with the trials that need it.

    To be taken one by one: what follows depends on what a command has left.
    """
    untrained = [t for t in trials if not Run(out / t.folder).model_file.exists()]
    begun = [t for t in untrained if Run(out / t.folder).recipe_file.exists()]
    for members, resume in ((begun, True), ([t for t in untrained if t not in begun], False)):
        if members and together:
            yield members, _train_at_once(recipe, members, out, source, resume)
        elif members:
            [trial] = members
            yield members, _train(recipe, trial, out / trial.folder, source, resume)
    for trial in trials:
        run = Run(out / trial.folder)
        if run.model_file.exists() and not run.predictions_file("val").exists():
            yield [trial], ["evaluate", str(run.path), "--split", "val"]
        if not _measured(run):
            yield [trial], ["evaluate", str(run.path)]


def _train_at_once(
    recipe: str, trials: Sequence[Trial], out: Path, source: Source, resume: bool
) -> list[str]:
    """One command for runs of one parent folder, which are named fold_N or seed_N."""
    shared = out / trials[0].folder.parent
    kind, _ = trials[0].folder.name.split("_")
    numbers = [trial.folder.name.split("_")[1] for trial in trials]
    settings = {k: v for k, v in trials[0].settings.items() if k != "data.fold"}
    arguments = _train(recipe, replace(trials[0], settings=settings), shared, source, resume)
    return [*arguments, f"--{kind}s", *numbers]


def _train(recipe: str, trial: Trial, run: Path, source: Source, resume: bool) -> list[str]:
    if resume:
        return ["train", recipe, "--out", str(run), "--resume"]
    arguments = ["train", recipe, "--out", str(run), "--seed", str(trial.seed)]
    if source.data is not None:
        arguments += ["--data", str(source.data)]
    if source.dataset:
        arguments += ["--dataset", source.dataset]
    if trial.weights:
        arguments += ["--weights", trial.weights]
    if source.quick:
        arguments.append("--quick")
    assigned = [f"{key}={value}" for key, value in trial.settings.items()]
    for assignment in (*assigned, *source.settings):
        arguments += ["--set", assignment]
    return arguments


def _explain(study: Study, out: Path, source: Source, call: Call) -> dict[str, str]:
    """Pictures of the first finished run of each row; returns the failures."""
    failed = {}
    for row in study.rows:
        runs = [out / trial.folder for trial in study.trials if trial.row == row]
        run = next((run for run in runs if Run(run).model_file.exists()), None)
        for command in _pictures(run, source) if run else ():
            print(f"pictures: {command[0]} {run.relative_to(out)}", flush=True)
            if reason := call(command):
                failed[f"{run.relative_to(out)}, {command[0]}"] = reason
    return failed


def _pictures(run: Path, source: Source) -> list[list[str]]:
    left = []
    if not (Run(run).figures / "tsne.png").exists():
        left.append(["explain", str(run)])
    predictions = run / "outside.csv"
    if source.outside and not predictions.exists():
        maps = str(run / "gradcam_outside")
        there = str(source.outside)
        left.append(["predict", str(run), there, "--out", str(predictions), "--gradcam", maps])
    return left


def _measured(folder: Run) -> bool:
    return folder.metrics_file.exists() and folder.predictions_file("test").exists()


def _check_same(run: Path, trial: Trial, source: Source) -> None:
    """Raise InputError where the folder holds a run with other settings."""
    folder = Run(run)
    if not folder.recipe_file.exists():
        return
    there = folder.recipe()
    given = parse_assignments(list(source.settings))
    wanted = {**trial.settings, **given, "model.weights": trial.weights}
    if source.dataset:
        wanted["data.dataset"] = source.dataset
    differs = list(_differing(there, wanted))
    if there.seed != trial.seed:
        differs.append(f"seed {there.seed}, not {trial.seed}")
    if there.scaled != source.quick and source.data is not None:
        differs.append(f"quick={there.scaled}, not {source.quick}")
    if differs:
        raise InputError(f"{run}: a run with other settings: {differs[0]}; give another --out")


def _differing(there: config.Recipe, wanted: dict[str, object]) -> Sequence[str]:
    before, after = all_settings(there), all_settings(override(there, wanted))
    return [f"{key}={before[key]}, not {after[key]}" for key in after if after[key] != before[key]]
