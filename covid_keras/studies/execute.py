"""Run the trials of a study: skip finished runs, resume interrupted ones, go on after failures."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from itertools import groupby
from pathlib import Path

from tqdm import tqdm

from covid_keras.recipes.settings import all_settings, override
from covid_keras.runs.folder import Run
from covid_keras.studies.study import Source, Study, Trial
from covid_keras.studies.workers import Call
from covid_keras.utils.errors import InputError, OutOfTime

Workers = Callable[[], AbstractContextManager[Call]]
"""Starts a process; see `workers.worker`."""
PlannedCall = tuple[Sequence[Trial], str, dict[str, object]]
"""The trials it is for, a public function, and its arguments."""
FOREVER = float("inf")


def execute(
    study: Study,
    out: Path,
    source: Source,
    workers: Workers,
    *,
    together: bool = False,
    batched: bool = False,
    deadline: float = FOREVER,
) -> dict[str, str]:
    """Run the trials that have not finished, then draw the figures of each row's first run.

    Each trial runs in a process of its own; with `together` (JAX) one process trains the folds or
    seeds of a row at once, until `deadline`, a value of `time.monotonic()`. Returns {folder of a
    failed run: reason}.

    Raises:
        InputError: a run folder holds a run with other settings.
        OutOfTime: the deadline has passed; it holds the failures.
    """
    for trial in study.trials:
        _check_same(out / trial.folder, trial, source)
    waiting = [trial for trial in study.trials if not finished(out / trial.folder)]
    total = len(study.trials)
    done = before = total - len(waiting)
    if before:
        print(f"{before} of {total} runs had already finished", flush=True)
    groups = groupby(waiting, lambda trial: trial.folder.parent if together else trial.folder)
    arguments = partial(_train, study.recipe, out, source, together, batched)
    failed: dict[str, str] = {}
    start = time.monotonic()
    with workers() if together else nullcontext() as shared:
        process = (lambda: nullcontext(shared)) if together else workers
        try:
            for _, group in groups:
                trials = list(group)
                number = f"{done + 1}" + (f" to {done + len(trials)}" if len(trials) > 1 else "")
                text = f"run {number} of {total}: {', '.join(str(t.folder) for t in trials)}"
                if done > before:
                    seconds = (time.monotonic() - start) / (done - before) * (total - done)
                    text += f"; {tqdm.format_interval(seconds)} left"
                print(text, flush=True)
                with process() as call:
                    _make(_calls(trials, out, arguments), call, out, failed, deadline)
                done += len(trials)
            _draw(study, out, source, process, failed)
        except OutOfTime:
            raise OutOfTime(failed) from None
    return failed


def finished(path: Path) -> bool:
    """Return whether the run is trained and measured on test; its small files are enough."""
    run = Run(path)
    return _measured(run) and (run.model_file.exists() or not run.last_checkpoint.exists())


def finished_runs(study: Study, out: Path) -> dict[str, list[Run]]:
    """Return the finished runs of each row."""
    return {
        row: [Run(out / trial.folder) for trial in trials if finished(out / trial.folder)]
        for row, trials in study.rows.items()
    }


def _calls(
    trials: Sequence[Trial], out: Path, arguments: Callable[..., dict[str, object]]
) -> Iterator[PlannedCall]:
    """Yield the calls that these trials still need.

    Make each call before asking for the next, which depends on the files that it writes.
    """
    untrained = [t for t in trials if not Run(out / t.folder).model_file.exists()]
    started = [t for t in untrained if Run(out / t.folder).recipe_file.exists()]
    if started:
        yield started, "train", arguments(started, resume=True)
    if new := [t for t in untrained if t not in started]:
        yield new, "train", arguments(new, resume=False)
    for trial in trials:
        run = Run(out / trial.folder)
        if run.model_file.exists() and not run.predictions_file("val").exists():
            yield [trial], "evaluate", {"run": run.path, "split": "val"}
        if not _measured(run):
            yield [trial], "evaluate", {"run": run.path}


def _train(
    recipe: str,
    out: Path,
    source: Source,
    together: bool,
    batched: bool,
    trials: Sequence[Trial],
    resume: bool,
) -> dict[str, object]:
    """Return the arguments of `covid_keras.train` for one trial, or for those of a row together."""
    first, folder = trials[0], out / trials[0].folder
    arguments = {"recipe": recipe, "seed": first.seed, "resume": resume, "out": folder}
    settings = first.all_settings
    if together:
        settings = dict(first.settings)
        arguments |= {"out": folder.parent, "batched": batched}
        if first.fold is None:
            arguments["seeds"] = [trial.seed for trial in trials]
        else:
            arguments["folds"] = [trial.fold for trial in trials]
    if resume:
        return arguments
    return arguments | {
        "data": source.data,
        "dataset": source.dataset or None,
        "weights": first.weights or "random",
        "quick": source.quick,
        "settings": {**settings, **source.settings},
    }


def _make(
    calls: Iterator[PlannedCall], call: Call, out: Path, failed: dict[str, str], deadline: float
) -> None:
    """Make the calls until the deadline, and add the failed runs to `failed`."""
    for trials, verb, arguments in calls:
        left = deadline - time.monotonic()
        if left < 0:
            raise OutOfTime
        if any(str(trial.folder) in failed for trial in trials):
            continue
        if verb == "train" and left < FOREVER:
            arguments["minutes"] = left / 60
        if reason := call(verb, **arguments):
            for trial in trials:
                if verb != "train" or not Run(out / trial.folder).model_file.exists():
                    failed[str(trial.folder)] = reason


def _draw(
    study: Study, out: Path, source: Source, process: Workers, failed: dict[str, str]
) -> None:
    """Draw the missing figures of each row's first trained run; add what failed to `failed`."""
    for trials in study.rows.values():
        runs = (Run(out / trial.folder) for trial in trials)
        run = next((run for run in runs if run.model_file.exists()), None)
        if run is None:
            continue
        calls: dict[str, dict[str, object]] = {}
        if not (run.figures / "tsne.png").exists():
            calls["explain"] = {"run": run.path}
        table, maps = run.path / "outside.csv", run.path / "gradcam_outside"
        if source.outside and not table.exists():
            given = {"model": run.path, "inputs": source.outside}
            calls["predict"] = given | {"out": table, "gradcam": maps}
        folder = run.path.relative_to(out)
        with process() if calls else nullcontext() as call:
            for verb, arguments in calls.items():
                print(f"figures: {verb} {folder}", flush=True)
                if reason := call(verb, **arguments):
                    failed[f"{folder}, {verb}"] = reason


def _measured(run: Run) -> bool:
    return run.metrics_file.exists() and run.predictions_file("test").exists()


def _check_same(path: Path, trial: Trial, source: Source) -> None:
    """Raise InputError if the folder holds a run with other settings."""
    if not Run(path).recipe_file.exists():
        return
    recipe = Run(path).recipe()
    wanted = {**trial.all_settings, **source.settings, "model.weights": trial.weights}
    if source.dataset:
        wanted["data.dataset"] = source.dataset
    expected = all_settings(override(recipe, wanted)) | {"seed": trial.seed}
    received = all_settings(recipe) | {"seed": recipe.seed}
    if source.data is not None:
        expected["quick"], received["quick"] = source.quick, recipe.scaled
    for key, value in expected.items():
        if received[key] != value:
            raise InputError(
                f"{path}: expected a run with {key}={value}; give another --out."
                f" Received: {key}={received[key]}"
            )
