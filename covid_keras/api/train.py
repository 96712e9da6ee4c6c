"""Train a recipe into a run folder, or several folds and seeds of it."""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path

import keras

from covid_keras.evaluation.input_check import fit_input_check
from covid_keras.evaluation.sets import predict_split, warn_of_replaced
from covid_keras.explain.run_figures import map_callbacks
from covid_keras.recipes.config import check_seeds
from covid_keras.runs.inference import load_trained
from covid_keras.runs.run import NEW_OR_RESUME, Run, check_new
from covid_keras.training import fit, setup
from covid_keras.utils.backend import backend
from covid_keras.utils.errors import InputError, OutOfTime
from covid_keras.utils.locks import locked

Runs = Mapping[Run, tuple[dict, int]]
"""{run: its settings and seed}."""

_log = logging.getLogger(__name__)


def train(
    recipe: str,
    *,
    data: str | Path | None = None,
    dataset: str | None = None,
    out: str | Path | None = None,
    weights: str | None = None,
    settings: Mapping[str, object] | None = None,
    positive: str | None = None,
    seed: int = 0,
    seeds: Sequence[int] = (),
    folds: Sequence[int] = (),
    quick: bool | None = None,
    resume: bool = False,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    batched: bool = False,
    minutes: float | None = None,
) -> Run:
    """Train a recipe, and predict its val split if it has one.

    With `seeds` or `folds`, train once for each, into out/seed_N, out/fold_N or
    out/seed_N/fold_N: all at once on JAX, one after the other on TensorFlow.

    Args:
        recipe: "ct-bit", "ct-networks", "cxr-bit", "xray-3class" or "ct-2class".
        data: the data set's folder, or a CSV for `dataset="folder"`; None is the built-in phantom.
        dataset: a name of the catalogue, such as "covid19-ct"; None is the recipe's.
        out: the run folder; None is runs/RECIPE_DATASET_TIME.
        weights: initial weights: a name that the network knows, a file, or "random"; None is the
            recipe's.
        settings: settings of the recipe to change, {"training.steps": 240, ...}.
        positive: the positive class, the last column of probabilities; None is the data set's, or
            of two classes of your own the one that its name says.
        seed: of batches, augmentation and random weights; the split has the setting `data.seed`.
        seeds: train once per seed.
        folds: train once per fold of the recipe's k-fold split, counted from 0.
        quick: shrink the recipe for a CPU (outputs are stamped SCALED); None does so without
            `data` and without a GPU.
        resume: continue the run in `out`, without giving `weights` and `settings` again.
        callbacks: run after the built-in ones; for a single run only.
        batched: on JAX, with `seeds` or `folds`: put all models into every operation.
        minutes: with `seeds` or `folds`: save and stop after this time.

    Returns:
        The run; with `seeds` or `folds` the folder that holds them, see `Run.members`.

    Raises:
        InputError: recipe, data and settings do not fit together, a file cannot be read, or the
            loss is not a number.
        OutOfTime: `minutes` have passed; repeat the call with `resume=True`.

    Example:
        >>> import covid_keras
        >>> run = covid_keras.train("ct-bit", data=images, dataset="folder", out=out, settings=tiny)
        >>> run.model_file.name
        'model.keras'
    """
    if resume and out is None:
        raise InputError("resume: expected the run folder to resume (out, --out). Received: none")
    data = None if data is None else Path(data)
    path = Path(out) if out else setup.default_path(recipe, data, dataset)
    settings = dict(settings or {}) | ({"data.positive": positive} if positive else {})
    given = {"recipe": recipe, "data": data, "dataset": dataset, "weights": weights, "quick": quick}
    check_seeds((seed, *seeds))
    if not (seeds or folds):
        if batched or minutes is not None:
            raise InputError("batched, minutes: expected seeds or folds as well. Received: neither")
        return _train_one(Run(path), given, settings, seed, resume, callbacks)
    if callbacks:
        raise InputError("callbacks: expected a single run. Received: several folds or seeds")
    if minutes is not None and minutes <= 0:
        raise InputError(f"minutes: expected more than 0. Received: {minutes:g}")
    deadline = time.monotonic() + 60 * minutes if minutes else float("inf")
    runs = {
        Run(path / place): (settings | fold, one_seed)
        for place, fold, one_seed in _members(seeds or (seed,), folds, bool(seeds))
    }
    if backend() == "jax":
        with locked(path):
            _train_together(runs, given, resume, batched, deadline)
    else:
        _train_in_turn(runs, given, resume, deadline)
    return Run(path)


def _train_one(
    run: Run,
    given: dict,
    settings: dict,
    seed: int,
    resume: bool,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> Run:
    if resume:
        setup.check_resume(run, given["recipe"], given["weights"], settings)
    else:
        check_new(run.path, NEW_OR_RESUME)
    with locked(run.path):
        if not resume:
            _set_up(run, settings, seed, given)
        _log_start([run])
        try:
            fit.train(run, resume=resume, callbacks=[*map_callbacks(run), *callbacks])
        except InputError:
            if not (resume or run.last_checkpoint.exists()):
                run.discard()
            raise
        warn_of_replaced(run)
        if run.has_val():
            _look_at_val(run)
    return run


def _look_at_val(run: Run) -> None:
    """Predict val, and learn from it which images `predict` can answer."""
    predict_split(run, "val")
    fit_input_check(run, load_trained(run.path))


def _set_up(run: Run, settings: dict, seed: int, given: dict) -> None:
    """Set up the run in its empty, locked folder; remove the folder if that fails."""
    try:
        setup.set_up(run.path, settings=settings, seed=seed, **given)
    except (InputError, KeyboardInterrupt):
        if not run.recipe_file.exists():
            run.discard()
        raise


def _train_in_turn(runs: Runs, given: dict, resume: bool, deadline: float) -> None:
    """Train the runs one after the other; with `resume`, skip those that have finished."""
    for run, (settings, seed) in runs.items():
        if time.monotonic() > deadline:
            raise OutOfTime
        if resume and run.model_file.exists():
            continue
        begun = resume and run.recipe_file.exists()
        _train_one(run, given, {} if begun else settings, seed, begun)
        keras.backend.clear_session()


def _train_together(runs: Runs, given: dict, resume: bool, batched: bool, deadline: float) -> None:
    """Train all runs on one device at once (JAX)."""
    from covid_keras.training.together import train_together  # needs JAX

    if resume:
        for run in runs:
            if not (run.recipe_file.exists() and run.model_file.exists()):
                setup.check_resume(run, given["recipe"], given["weights"])
    else:
        _set_up_all(runs, given)
    _log_start(list(runs))
    failure = None
    try:
        waiting = [run for run in runs if not run.model_file.exists()]
        train_together(waiting, batched=batched, deadline=deadline)
    except InputError as error:
        failure = error
    for run in runs:
        if run.model_file.exists():
            warn_of_replaced(run)
        if run.lacks_val():
            _look_at_val(run)
        elif not (resume or run.last_checkpoint.exists() or run.model_file.exists()):
            run.discard()
    if failure:
        raise failure


def _set_up_all(runs: Runs, given: dict) -> None:
    """Set up all run folders, or none."""
    done: list[Run] = []
    try:
        for run, (settings, seed) in runs.items():
            done.append(setup.set_up(run.path, settings=settings, seed=seed, **given))
    except (InputError, KeyboardInterrupt):
        for run in done:
            run.discard()
        raise


def _members(
    seeds: Sequence[int], folds: Sequence[int], name_seeds: bool
) -> Iterator[tuple[Path, dict, int]]:
    """Yield (folder inside the run folder, its fold as a setting, its seed)."""
    for seed, fold in product(seeds, folds or [None]):
        parts = [f"seed_{seed}"] if name_seeds and (len(seeds) > 1 or fold is None) else []
        parts += [] if fold is None else [f"fold_{fold}"]
        yield Path(*parts), {} if fold is None else {"data.fold": fold}, seed


def _log_start(runs: Sequence[Run]) -> None:
    for stamp in runs[0].stamps():
        _log.info("!! %s", stamp)
    names = ", ".join(str(run.path) for run in runs)
    _log.info("run folder%s: %s", "s" if len(runs) > 1 else "", names)
