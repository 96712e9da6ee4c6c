"""Several runs of one recipe, folds and seeds, trained at once on one device. JAX only.

Each ends with what it would have ended with alone, up to rounding: the same batches, draws,
schedule and choice of the best weights. All images lie on the device, and the device is given the
steps up to the next evaluation without a look at any, so that it never waits for Python or files.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import keras
import numpy as np

from covid_keras.data.arrivals import Arrivals
from covid_keras.data.batches import Batches
from covid_keras.errors import OutOfTime
from covid_keras.files import read_json, write_json
from covid_keras.progress import Progress
from covid_keras.runs import RunFolder
from covid_keras.training import fit, optimizers, resident, stacked
from covid_keras.training.callbacks import StepLog, better, refuse_nan, refuse_overflow
from covid_keras.training.checkpoint import load_checkpoint, read_note, save_checkpoint
from covid_keras.training.classifier import Classifier
from covid_keras.training.resident import Resident
from covid_keras.training.rhythm import stretches

SAVE_SECONDS = 60.0
"""Between checkpoints, at least; and twenty times as long as writing them takes."""


@dataclass
class Lane:
    """Runs whose models go through one compiled step: all runs of a group, or each by itself."""

    runs: list[RunFolder]
    batches: list[Batches]
    """Of training, for each run."""
    places: list[np.ndarray]
    """Where its training images are on the device, for each run."""
    passes: list[tuple[np.ndarray, np.ndarray]]
    """Of val, see `resident.passes`."""
    logs: list[StepLog]
    state: stacked.State
    best: tuple[list, list]
    """Trainable and other variables of each run's best evaluation so far."""
    records: list[dict | None]
    """Scores of these evaluations."""

    def indices(self, step: int) -> np.ndarray:
        """int32 (runs, batch): the images of training step number `step`, from 0."""
        pairs = zip(self.batches, self.places, strict=True)
        return np.stack([place[batch.indices_of(step)] for batch, place in pairs])


@dataclass
class Group:
    """Runs that take the same steps, and what all of them use."""

    classifier: Classifier
    """Of any of the runs; it lends its structure to all."""
    lanes: list[Lane]
    train: Resident
    val: Resident
    step: int
    """Done by now."""


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


def _train(runs: list[RunFolder], batched: bool, deadline: float) -> None:
    training = runs[0].recipe().training
    keras.config.set_dtype_policy(training.precision)
    group = _group(runs, batched)
    for run in runs:
        how = {"trained_together": {"runs": len(runs), "batched": batched}}
        write_json(run.environment_file, read_json(run.environment_file) | how)
    bar = Progress(f"train {len(runs)} at once", training.steps, group.step)
    models = len(group.lanes[0].runs)
    step = stacked.training(group.classifier, models)
    evaluate = stacked.evaluation(group.classifier, models)
    save_next = time.monotonic() + SAVE_SECONDS
    for start, stop, length in stretches(training.steps, training.eval_every, group.step):
        for _ in range(start, stop, length):
            _stretch(group, step, evaluate, length)
            done, now = group.step == training.steps, time.monotonic()
            if done or now > min(save_next, deadline):
                _save(group)
                saved = time.monotonic()
                save_next = saved + max(SAVE_SECONDS, 20 * (saved - now))
            records = [record for lane in group.lanes for record in lane.records]
            best = " ".join(f"{record['val_accuracy']:.3f}" for record in records)
            bar(group.step, f"best val accuracy {best}")
            if now > deadline and not done:
                raise OutOfTime
    for run in runs:
        fit.save_best(run, group.classifier)


def _stretch(group: Group, step: Callable, evaluate: Callable, length: int) -> None:
    """The steps up to the next evaluation, that evaluation, and its rows in the logs.

    The device is given all of it before any result is read.
    """
    first, group.step = group.step, group.step + length
    for lane in group.lanes:
        for log in lane.logs:
            log.on_epoch_begin(0)
    means = [_steps(lane, group.train, step, range(first, group.step)) for lane in group.lanes]
    sums = [_evaluate(lane, group.val, evaluate) for lane in group.lanes]
    for lane, mean, total in zip(group.lanes, means, sums, strict=True):
        _stop_on_nan(lane.runs, mean, first)
        for number, scale in enumerate(stacked.loss_scales(group.classifier, lane.state)):
            refuse_overflow(scale, group.step, f"{lane.runs[number].path}: ")
        final = {name: np.asarray(values).tolist() for name, values in mean[-1].items()}
        last = [{name: final[name][n] for name in final} for n in range(len(lane.runs))]
        for log, values in zip(lane.logs, last, strict=True):
            log.on_train_batch_end(length - 1, values)
        scores = _scores(lane, total)
        wins = [better(*pair) for pair in zip(scores, lane.records, strict=True)]
        lane.best = stacked.take_where(np.array(wins), lane.state[:2], lane.best)
        for number, log in enumerate(lane.logs):
            if wins[number]:
                lane.records[number] = scores[number] | {"step": group.step}
            log.on_epoch_end(0, last[number] | scores[number])


def _steps(lane: Lane, train: Resident, step: Callable, numbers: range) -> list[dict]:
    """Dispatch these training steps; returns Keras' means after each, still on the device."""
    lane.state = stacked.begin(lane.state)
    means = []
    for number in numbers:
        lane.state, mean = step(lane.state, train.images, train.labels, lane.indices(number))
        means.append(mean)
    return means


def _evaluate(lane: Lane, val: Resident, evaluate: Callable) -> list[tuple]:
    """Dispatch a pass over val; returns each batch's sums, still on the device."""
    return [evaluate(lane.state, val.images, val.labels, *batch) for batch in lane.passes]


def _scores(lane: Lane, sums: list[tuple]) -> list[dict[str, float]]:
    losses, right = np.array(sums, np.float64).sum(axis=0)
    images = sum(counted.sum(axis=1) for _, counted in lane.passes)
    return [
        {"val_accuracy": accuracy, "val_loss": loss}
        for accuracy, loss in zip(
            (right / images).tolist(), (losses / images).tolist(), strict=True
        )
    ]


def _stop_on_nan(runs: Sequence[RunFolder], means: list[dict], first: int) -> None:
    """Raises InputError that names the run, and the step after which a loss is no number."""
    for step, mean in enumerate(means, first + 1):
        for run, loss in zip(runs, np.asarray(mean["loss"]), strict=True):
            if not np.isfinite(loss):
                refuse_nan(loss, step, f"{run.path}: ")


def _save(group: Group) -> None:
    """Both checkpoints of every run."""
    classifier = group.classifier
    for lane in group.lanes:
        for number, run in enumerate(lane.runs):
            record, state = lane.records[number], stacked.member(lane.state, number)
            stacked.assign(classifier, (*stacked.member(lane.best, number), *state[2:]))
            save_checkpoint(run.best_checkpoint, classifier.network, record)
            stacked.assign(classifier, state)
            save_checkpoint(run.last_checkpoint, classifier, {"step": group.step, "best": record})


def _group(runs: list[RunFolder], batched: bool) -> Group:
    """The runs with their images on the device, and every model's first state, or that of its
    checkpoints."""
    recipes = [run.recipe() for run in runs]
    pairs = list(zip(runs, recipes, strict=True))
    train = [fit.slices(run, recipe, "train") for run, recipe in pairs]
    val = [fit.slices(run, recipe, "val") for run, recipe in pairs]
    on_device = resident.put(train, "read train"), resident.put(val, "read val")
    lanes, step = [], 0
    for numbers in [range(len(runs))] if batched else [[number] for number in range(len(runs))]:
        begun = [_first_state(runs[number]) for number in numbers]
        classifier, step = begun[-1].classifier, begun[-1].step
        lanes.append(
            Lane(
                runs=[runs[n] for n in numbers],
                batches=[fit.batches(train[n], recipes[n], 0) for n in numbers],
                places=[on_device[0].places[n] for n in numbers],
                passes=resident.passes(
                    [val[n] for n in numbers],
                    [on_device[1].places[n] for n in numbers],
                    recipes[0].training.batch,
                ),
                logs=[_log(runs[n], step) for n in numbers],
                state=stacked.stack([one.state for one in begun]),
                best=stacked.stack([one.best for one in begun]),
                records=[one.record for one in begun],
            )
        )
    return Group(classifier, lanes, *on_device, step)


@dataclass(frozen=True)
class Begun:
    """One run before its next step."""

    classifier: Classifier
    state: stacked.State
    best: tuple[list, list]
    record: dict | None
    step: int


def _first_state(run: RunFolder) -> Begun:
    recipe = run.recipe()
    keras.utils.set_random_seed(recipe.seed)
    classifier = fit.build(recipe, run.classes())
    classifier.optimizer.learning_rate = optimizers.schedule(recipe.training)
    if not run.last_checkpoint.exists():
        state = stacked.state_of(classifier)
        return Begun(classifier, state, state[:2], None, 0)
    load_checkpoint(run.best_checkpoint, classifier.network)
    best = stacked.state_of(classifier)[:2]
    note = load_checkpoint(run.last_checkpoint, classifier)
    return Begun(classifier, stacked.state_of(classifier), best, note["best"], note["step"])


def _log(run: RunFolder, step: int) -> StepLog:
    training = run.recipe().training
    rate = partial(optimizers.rate, training)
    log = StepLog(run.log_file, rate, training.batch, training.steps + 1, step, Arrivals())
    log.on_train_begin()
    return log
