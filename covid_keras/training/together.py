"""Several runs of one recipe, folds and seeds, trained at once on one device. JAX only.

Each ends with what it would have ended with alone, up to rounding: the same batches, draws,
schedule and choice of the best weights. All images lie on the device, the steps between two
evaluations are one compiled function, and nothing waits for files.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import keras
import numpy as np

from covid_keras.data.arrivals import Arrivals
from covid_keras.data.batches import Batches
from covid_keras.files import read_json, write_json
from covid_keras.progress import Progress
from covid_keras.runs import RunFolder
from covid_keras.training import fit, optimizers, resident, stacked
from covid_keras.training.callbacks import StepLog, better, refuse_nan
from covid_keras.training.checkpoint import load_checkpoint, read_note, save_checkpoint
from covid_keras.training.classifier import Classifier
from covid_keras.training.rhythm import stretches

SAVE_SECONDS = 60.0
"""Between checkpoints, at least; and twenty times as long as writing them takes."""


class OutOfTime(Exception):
    """The deadline has passed; the checkpoints are written."""


@dataclass
class Models:
    """The runs' models as they are: the one thing that training changes."""

    classifier: Classifier
    """Of any of the runs; it lends its structure to all."""
    step: int
    state: stacked.State
    best: tuple[list, list]
    """Trainable and other variables of each run's best evaluation so far."""
    records: list[dict | None]
    """Scores of these evaluations."""


@dataclass(frozen=True)
class Feed:
    """What the models are trained and evaluated on."""

    train: resident.Resident
    val: resident.Resident
    batches: list[Batches]
    """Of training, for each run."""
    passes: tuple[np.ndarray, np.ndarray]
    """Of val, see `resident.passes`."""

    def indices(self, first: int, length: int) -> np.ndarray:
        """int32 (length, runs, batch): the images of these training steps."""
        pairs = list(zip(self.batches, self.train.places, strict=True))
        steps = range(first, first + length)
        return np.array([[place[batch.indices_of(n)] for batch, place in pairs] for n in steps])


def train_together(
    runs: Sequence[RunFolder], *, batched: bool = False, deadline: float = float("inf")
) -> None:
    """Train runs that differ in fold and seed alone, until their last step.

    Writes for each what `fit.train` writes; log.csv has only the rows of evaluations, and there
    are no Grad-CAM panels. Runs that have checkpoints go on from there.

    Args:
        runs: folders made by `covid_keras.runs.create`, of one recipe and data set.
        batched: see `stacked.training`.
        deadline: of `time.monotonic`; looked at after every evaluation.

    Raises:
        InputError: an image, weights or checkpoint file cannot be read, a loss is NaN, or the
            images do not fit on a device.
        OutOfTime: the deadline has passed.
    """
    for group in alike(runs):
        _train(group, batched, deadline)


def alike(runs: Sequence[RunFolder]) -> list[list[RunFolder]]:
    """The runs in groups that take the same steps from the same one on: folds may differ by an
    image, and so by a step an epoch."""
    groups: list[tuple[tuple, list[RunFolder]]] = []
    for run in runs:
        key = _key(run)
        members = next((members for other, members in groups if other == key), None)
        if members is None:
            groups.append((key, [run]))
        else:
            members.append(run)
    return [members for _, members in groups]


def _key(run: RunFolder) -> tuple:
    recipe = run.recipe()
    recipe = replace(recipe, data=replace(recipe.data, fold=0), seed=0)
    there = run.last_checkpoint.exists()
    return recipe, run.classes(), read_note(run.last_checkpoint)["step"] if there else 0


def _train(runs: Sequence[RunFolder], batched: bool, deadline: float) -> None:
    recipe = runs[0].recipe()
    training = recipe.training
    keras.config.set_dtype_policy(training.precision)
    models, feed = _models(runs), _feed(runs)
    for run in runs:
        how = {"trained_together": {"runs": len(runs), "batched": batched}}
        write_json(run.environment_file, read_json(run.environment_file) | how)
    steps = stacked.training(models.classifier, batched)
    evaluate = stacked.evaluation(models.classifier, batched)
    logs = [_log(run, models.step) for run in runs]
    bar = Progress(f"train {len(runs)} at once", training.steps, models.step)
    saving = _Saving(runs, models)
    for start, stop, length in stretches(training.steps, training.eval_every, models.step):
        for first in range(start, stop, length):
            _stretch(runs, models, feed, steps, evaluate, logs, first, length)
            late = time.monotonic() > deadline and models.step < training.steps
            saving(now=late or models.step == training.steps)
            best = " ".join(f"{record['val_accuracy']:.3f}" for record in models.records)
            bar(models.step, f"best val accuracy {best}")
            if late:
                raise OutOfTime
    for run in runs:
        fit.save_best(run, models.classifier)


def _stretch(
    runs: Sequence[RunFolder],
    models: Models,
    feed: Feed,
    steps: Callable,
    evaluate: Callable,
    logs: Sequence[StepLog],
    first: int,
    length: int,
) -> None:
    """The steps up to the next evaluation, that evaluation, and its rows in the logs."""
    for log in logs:
        log.on_epoch_begin(0)
    images, labels = feed.train.images, feed.train.labels
    models.state, means = steps(models.state, images, labels, feed.indices(first, length))
    means = {name: np.asarray(values) for name, values in means.items()}
    _stop_on_nan(runs, means["loss"], first)
    models.step = first + length
    last = [{name: values[-1, n] for name, values in means.items()} for n in range(len(runs))]
    for log, values in zip(logs, last, strict=True):
        log.on_train_batch_end(length - 1, values)
    losses, accuracies = evaluate(models.state, feed.val.images, feed.val.labels, *feed.passes)
    scores = [
        {"val_accuracy": float(accuracy), "val_loss": float(loss)}
        for accuracy, loss in zip(accuracies, losses, strict=True)
    ]
    wins = [better(*pair) for pair in zip(scores, models.records, strict=True)]
    models.best = stacked.take_where(np.array(wins), models.state[:2], models.best)
    for n, log in enumerate(logs):
        if wins[n]:
            models.records[n] = scores[n] | {"step": models.step}
        log.on_epoch_end(0, last[n] | scores[n])


def _stop_on_nan(runs: Sequence[RunFolder], losses: np.ndarray, first: int) -> None:
    """Raises InputError that names the run and the step; `losses` is (steps, runs)."""
    for number, run in enumerate(runs):
        for step in np.flatnonzero(~np.isfinite(losses[:, number])):
            refuse_nan(losses[step, number], first + int(step) + 1, f"{run.path}: ")


class _Saving:
    """Writes the checkpoints now and then: those of large networks take longer than an epoch."""

    def __init__(self, runs: Sequence[RunFolder], models: Models) -> None:
        self.runs = runs
        self.models = models
        self.next = time.monotonic() + SAVE_SECONDS

    def __call__(self, now: bool) -> None:
        begun = time.monotonic()
        if not now and begun < self.next:
            return
        for number, run in enumerate(self.runs):
            _save(run, self.models, number)
        ended = time.monotonic()
        self.next = ended + max(SAVE_SECONDS, 20 * (ended - begun))


def _save(run: RunFolder, models: Models, number: int) -> None:
    classifier, record = models.classifier, models.records[number]
    state = stacked.member(models.state, number)
    stacked.assign(classifier, (*stacked.member(models.best, number), *state[2:]))
    save_checkpoint(run.best_checkpoint, classifier.network, record)
    stacked.assign(classifier, state)
    save_checkpoint(run.last_checkpoint, classifier, {"step": models.step, "best": record})


def _models(runs: Sequence[RunFolder]) -> Models:
    """Every run's first state, or that of its checkpoints."""
    states, bests, records, step = [], [], [], 0
    for run in runs:
        recipe = run.recipe()
        keras.utils.set_random_seed(recipe.seed)
        classifier = fit.build(recipe, run.classes())
        classifier.optimizer.learning_rate = optimizers.schedule(recipe.training)
        best, record = None, None
        if run.last_checkpoint.exists():
            load_checkpoint(run.best_checkpoint, classifier.network)
            best = stacked.state_of(classifier)[:2]
            note = load_checkpoint(run.last_checkpoint, classifier)
            step, record = note["step"], note["best"]
        states.append(stacked.state_of(classifier))
        bests.append(best or states[-1][:2])
        records.append(record)
    return Models(classifier, step, stacked.stack(states), stacked.stack(bests), records)


def _feed(runs: Sequence[RunFolder]) -> Feed:
    recipes = [run.recipe() for run in runs]
    train = [fit.slices(run, recipe, "train") for run, recipe in zip(runs, recipes, strict=True)]
    val = [fit.slices(run, recipe, "val") for run, recipe in zip(runs, recipes, strict=True)]
    on_device = resident.put(val, "read val")
    return Feed(
        train=resident.put(train, "read train"),
        val=on_device,
        batches=[fit.batches(s, r, 0) for s, r in zip(train, recipes, strict=True)],
        passes=resident.passes(on_device, val, recipes[0].training.batch),
    )


def _log(run: RunFolder, step: int) -> StepLog:
    training = run.recipe().training
    rate = partial(optimizers.rate, training)
    log = StepLog(run.log_file, rate, training.batch, training.steps + 1, step, Arrivals())
    log.on_train_begin()
    return log
