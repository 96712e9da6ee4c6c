"""`covid-keras train --folds ... --seeds ...`: several runs of one recipe at once.

Heavy imports stand inside the functions that need them.
"""

import copy
import io
import time
from argparse import Namespace
from contextlib import nullcontext, redirect_stdout
from pathlib import Path

from covid_keras.runs.folder import NEW_OR_RESUME, Run, check_new
from covid_keras.training import setup
from covid_keras.utils.errors import InputError, OutOfTime
from covid_keras.utils.text import say_next


def train_several(options: Namespace) -> None:
    """Train every fold with every seed, and predict val by each.

    Runs that have finished are not repeated, those that have begun need --resume.

    Raises:
        InputError: another backend than JAX, or what `train` raises it for.
        OutOfTime: --minutes have passed.
    """
    from covid_keras.api.measuring import predict_val
    from covid_keras.utils.backend import backend

    begun = time.monotonic()
    _check(options, backend())
    out = options.out or setup.default_run(options)
    each = {Run(out / place): one for place, one in members(options).items()}
    if options.resume:
        for run in each:
            _check_resume(run, options)
    else:
        _start(each)
    runs = list(each)
    print(f"run folders: {', '.join(str(run.path) for run in runs)}", flush=True)
    for stamp in runs[0].stamps():
        print(f"  {stamp}")
    from covid_keras.training.together import train_together

    deadline = begun + 60 * options.minutes if options.minutes else float("inf")
    waiting = [run for run in runs if not run.model_file.exists()]
    failure = None
    try:
        train_together(waiting, batched=options.batched, deadline=deadline)
    except (KeyboardInterrupt, OutOfTime) as stop:
        print("time is up" if isinstance(stop, OutOfTime) else "")
        say_next(*_resumed(options, out))
        raise
    except InputError as error:
        failure = error
    for run in runs:
        if run.model_file.exists() and not run.predictions_file("val").exists():
            predict_val(run)
        elif not (options.resume or run.last_checkpoint.exists() or run.model_file.exists()):
            run.discard()
    if failure:
        raise failure
    print(f"wrote model.keras, predictions_val.csv and log.csv in {len(runs)} run folders")
    say_next("evaluate", runs[0].path)


def _start(each: dict) -> None:
    """Make the run folders, all or none; what is the same of all is said once."""
    begun = []
    try:
        for run, options in each.items():
            check_new(run.path, NEW_OR_RESUME)
            begun.append(run)
            with redirect_stdout(io.StringIO()) if len(begun) > 1 else nullcontext():
                setup.start(run, options)
            split = run.recipe().data.split
            if options.folds and split != "kfold":
                raise InputError(f"--folds: expected data.split=kfold. Received: {split}")
    except (InputError, KeyboardInterrupt):
        for run in begun:
            run.discard()
        raise


def _check_resume(run, options: Namespace) -> None:
    if not run.recipe_file.exists() or not run.model_file.exists():
        setup.check_resume(run, options)


def _resumed(options: Namespace, out: Path) -> list[object]:
    """The command that goes on, as its words."""
    words = ["train", options.recipe, "--out", out]
    for name in ("folds", "seeds"):
        if given := getattr(options, name):
            words += [f"--{name}", *given]
    return [*words, *(["--batched"] if options.batched else []), "--resume"]


def members(options: Namespace) -> dict[Path, Namespace]:
    """{folder: the options of `train` for it}: fold_N, seed_N, or seed_N/fold_N."""
    found = {}
    for seed in options.seeds or [options.seed]:
        for fold in options.folds or [None]:
            one = copy.copy(options)
            one.seed, one.settings = seed, list(options.settings)
            parts = []
            if len(options.seeds) > 1 or not options.folds:
                parts.append(f"seed_{seed}")
            if fold is not None:
                parts.append(f"fold_{fold}")
                one.settings.append(f"data.fold={fold}")
            found[Path(*parts)] = one
    return found


def _check(options: Namespace, backend: str) -> None:
    if backend != "jax":
        raise InputError(
            "--folds, --seeds: several models train at once on JAX only: expected"
            f" KERAS_BACKEND=jax. Received: {backend}"
        )
    if options.minutes is not None and options.minutes <= 0:
        raise InputError(f"--minutes: expected more than 0. Received: {options.minutes:g}")
