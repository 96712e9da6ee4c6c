"""Run a study: train and evaluate every trial, each in a process of its own.

Finished runs are not repeated, interrupted ones are resumed, and a failed one is named at the end
while the others finish.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from covid_keras import recipes
from covid_keras.models import registry
from covid_keras.recipes import config
from covid_keras.recipes.settings import all_settings, override
from covid_keras.runs.folder import Run
from covid_keras.studies.study import Study, Trial
from covid_keras.studies.workers import Call
from covid_keras.utils.errors import InputError, OutOfTime

Workers = Callable[[], AbstractContextManager[Call]]
"""Starts a process; see `workers.worker`."""


@dataclass(frozen=True)
class Source:
    """What all runs of a study share."""

    dataset: str = ""
    """Empty for the recipe's."""
    data: Path | None = None
    """None for the built-in phantom."""
    quick: bool = False
    settings: Mapping[str, object] = field(default_factory=dict)
    """Settings of all runs."""
    outside: Path | None = None
    """Other images, of which the first run of each row draws Grad-CAM pictures."""


def execute(
    study: Study,
    out: Path,
    source: Source,
    workers: Workers,
    *,
    together: bool = False,
    batched: bool = False,
    deadline: float = float("inf"),
) -> dict[str, str]:
    """Run the trials that have not finished, then draw the pictures of each row's first run.

    Args:
        study: what to run; a trial goes into `out / trial.folder`.
        out: the study's folder.
        source: data set and settings of all runs.
        workers: starts a process: one per trial, or one for all with `together`.
        together: train the folds, or seeds, of a row at once (JAX).
        batched: see `covid_keras.train`; with `together`.
        deadline: of `time.monotonic`; nothing is started after it. With `together`.

    Returns:
        {folder of a failed run: why}.

    Raises:
        InputError: a run folder holds a run with other settings.
        OutOfTime: the deadline has passed; it holds the failures.
    """
    for trial in study.trials:
        _check_same(out / trial.folder, trial, source)
    failed: dict[str, str] = {}
    waiting = [trial for trial in study.trials if not finished(out / trial.folder)]
    done = len(study.trials) - len(waiting)
    if done:
        print(f"{done} of {len(study.trials)} runs have finished before", flush=True)
    begun, first = time.monotonic(), done
    with workers() if together else nullcontext() as shared:

        def process() -> AbstractContextManager[Call]:
            return nullcontext(shared) if together else workers()

        try:
            for trials in _rows(waiting) if together else [[trial] for trial in waiting]:
                left = ""
                if done > first:
                    each = (time.monotonic() - begun) / (done - first)
                    left = f"; {tqdm.format_interval(each * (len(study.trials) - done))} left"
                folders = ", ".join(str(trial.folder) for trial in trials)
                number = f"{done + 1}" + (f" to {done + len(trials)}" if len(trials) > 1 else "")
                print(f"run {number} of {len(study.trials)}: {folders}{left}", flush=True)
                with process() as call:
                    for members, verb, arguments in _work(study.recipe, trials, out, source):
                        if time.monotonic() > deadline:
                            raise OutOfTime
                        if any(str(trial.folder) in failed for trial in members):
                            continue
                        if together and verb == "train":
                            minutes = (deadline - time.monotonic()) / 60
                            arguments["batched"] = batched
                            arguments["minutes"] = None if deadline == float("inf") else minutes
                        reason = call(verb, **arguments)
                        for trial in members if reason else ():
                            if verb != "train" or not Run(out / trial.folder).model_file.exists():
                                failed[str(trial.folder)] = reason
                done += len(trials)
            return failed | _draw(study, out, source, process)
        except OutOfTime:
            raise OutOfTime(failed) from None


def finished(path: Path) -> bool:
    """Return whether the run is trained and measured on test.

    Its small files are enough, as experiments/keep_results.py keeps them without the network.
    """
    run = Run(path)
    trained = run.model_file.exists() or not run.last_checkpoint.exists()
    return trained and _measured(run)


def recipe_of(study: Study, trial: Trial, source: Source, phantom: bool = False) -> config.Recipe:
    """Return the recipe of one run, its sides in pixels, steps still open where they follow from
    the number of images.

    Args:
        phantom: whether to take the recipe's settings for the phantom.
    """
    named = dict(recipes.get(study.recipe).phantom) if phantom else {}
    if source.dataset:
        named["data.dataset"] = source.dataset
    recipe = recipes.configured(
        study.recipe,
        named,
        {**trial.all_settings, **source.settings},
        weights=trial.weights,
        quick=source.quick,
        seed=trial.seed,
    )
    return config.sized(recipe, registry.get(recipe.model.name).input_size)


def changes(study: Study, source: Source) -> list[str]:
    """Return what differs from the paper in every run, as "training.epochs=10 (paper: 100)"."""
    phantom = source.data is None
    each = [recipe_of(study, trial, source, phantom).changes for trial in study.trials]
    return [change for change in each[0] if all(change in others for others in each)]


def _rows(trials: Sequence[Trial]) -> list[list[Trial]]:
    """Group the trials whose folders lie in one folder, so that they can train together."""
    groups: dict[Path, list[Trial]] = {}
    for trial in trials:
        groups.setdefault(trial.folder.parent, []).append(trial)
    return list(groups.values())


def _work(
    recipe: str, trials: Sequence[Trial], out: Path, source: Source
) -> Iterator[tuple[Sequence[Trial], str, dict[str, object]]]:
    """Yield what is left to do for these trials: (trials, public function, its arguments).

    What follows depends on what a call leaves, so take the calls one by one.
    """
    untrained = [t for t in trials if not Run(out / t.folder).model_file.exists()]
    begun = [t for t in untrained if Run(out / t.folder).recipe_file.exists()]
    for members, resume in ((begun, True), ([t for t in untrained if t not in begun], False)):
        if members:
            yield members, "train", _train(recipe, members, out, source, resume)
    for trial in trials:
        run = Run(out / trial.folder)
        if run.model_file.exists() and not run.predictions_file("val").exists():
            yield [trial], "evaluate", {"run": run.path, "split": "val"}
        if not _measured(run):
            yield [trial], "evaluate", {"run": run.path}


def _train(
    recipe: str, trials: Sequence[Trial], out: Path, source: Source, resume: bool
) -> dict[str, object]:
    """Return the arguments of `covid_keras.train` for one trial, or for a row at once."""
    first = trials[0]
    arguments: dict[str, object] = {"recipe": recipe, "seed": first.seed, "resume": resume}
    settings = dict(first.settings)
    if len(trials) == 1:
        arguments["out"] = out / first.folder
        settings = first.all_settings
    else:
        arguments["out"] = out / first.folder.parent
        if first.fold is None:
            arguments["seeds"] = [trial.seed for trial in trials]
        else:
            arguments["folds"] = [trial.fold for trial in trials]
    if resume:
        return arguments
    return arguments | {
        "data": source.data,
        "dataset": source.dataset or None,
        "weights": first.weights or None,
        "quick": source.quick,
        "settings": {**settings, **source.settings},
    }


def _draw(
    study: Study,
    out: Path,
    source: Source,
    process: Callable[[], AbstractContextManager[Call]],
) -> dict[str, str]:
    """Draw the pictures of each row's first finished run; return the failures."""
    failed = {}
    for row in study.rows:
        paths = [out / trial.folder for trial in study.trials if trial.row == row]
        path = next((path for path in paths if Run(path).model_file.exists()), None)
        calls = _pictures(path, source) if path else []
        if not calls:
            continue
        with process() as call:
            for verb, arguments in calls:
                print(f"pictures: {verb} {path.relative_to(out)}", flush=True)
                if reason := call(verb, **arguments):
                    failed[f"{path.relative_to(out)}, {verb}"] = reason
    return failed


def _pictures(path: Path, source: Source) -> list[tuple[str, dict[str, object]]]:
    calls: list[tuple[str, dict[str, object]]] = []
    if not (Run(path).figures / "tsne.png").exists():
        calls.append(("explain", {"run": path}))
    predictions = path / "outside.csv"
    if source.outside and not predictions.exists():
        maps = path / "gradcam_outside"
        arguments = {"model": path, "inputs": source.outside, "out": predictions, "gradcam": maps}
        calls.append(("predict", arguments))
    return calls


def _measured(run: Run) -> bool:
    return run.metrics_file.exists() and run.predictions_file("test").exists()


def _check_same(path: Path, trial: Trial, source: Source) -> None:
    """Raise InputError where the folder holds a run with other settings."""
    run = Run(path)
    if not run.recipe_file.exists():
        return
    recipe = run.recipe()
    wanted = {**trial.all_settings, **source.settings, "model.weights": trial.weights}
    if source.dataset:
        wanted["data.dataset"] = source.dataset
    before, after = all_settings(recipe), all_settings(override(recipe, wanted))
    differs = [
        f"{key}={before[key]}, not {after[key]}" for key in after if after[key] != before[key]
    ]
    if recipe.seed != trial.seed:
        differs.append(f"seed {recipe.seed}, not {trial.seed}")
    if recipe.scaled != source.quick and source.data is not None:
        differs.append(f"quick={recipe.scaled}, not {source.quick}")
    if differs:
        raise InputError(f"{path}: a run with other settings: {differs[0]}; give another --out")
