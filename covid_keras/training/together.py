"""Several runs of one recipe, folds and seeds, trained at once on one device. JAX only.

Each ends with what it would have ended with alone, up to rounding: the same batches, draws,
schedule and choice of the best weights. All images lie on the device, and the device is given the
steps up to the next evaluation without a look at any, so that it never waits for Python or files.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import keras
import numpy as np

from covid_keras.pipeline.arrivals import Arrivals
from covid_keras.pipeline.batches import Batches
from covid_keras.runs.folder import Run
from covid_keras.training import fit, optimizers, resident, stacked
from covid_keras.training.callbacks import StepLog, better, refuse_nan, refuse_overflow
from covid_keras.training.checkpoint import load_checkpoint, read_note, save_checkpoint
from covid_keras.training.classifier import Classifier
from covid_keras.training.resident import Resident
from covid_keras.training.rhythm import stretches
from covid_keras.utils.errors import InputError, OutOfTime
from covid_keras.utils.files import read_json, write_json
from covid_keras.utils.progress import progress

SAVE_SECONDS = 60.0
"""Between checkpoints, at least; and twenty times as long as writing them takes."""


@dataclass
class Lane:
    """Runs whose models go through one compiled step: all runs of a group, or each by itself."""

    runs: list[Run]
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
    failed: dict[int, str] = field(default_factory=dict)
    """Why some of the runs go no further: number of the run, and the reason."""

    @property
    def alive(self) -> list[int]:
        """Numbers of the runs that have not failed."""
        return [number for number in range(len(self.runs)) if number not in self.failed]

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
    runs: Sequence[Run], *, batched: bool = False, deadline: float = float("inf")
) -> None:
    """Train runs that differ in fold and seed alone, until their last step.

    Writes for each what `fit.train` writes; log.csv has only the rows of evaluations, and there
    are no Grad-CAM panels. Runs that have checkpoints go on from there.

    Args:
        runs: folders made by `covid_keras.runs.folder.create`, of one recipe and data set.
        batched: see `stacked.training`.
        deadline: of `time.monotonic`; looked at after every evaluation.

    Raises:
        InputError: an image, weights or checkpoint file cannot be read, the images do not fit on a
            device, or, after the other runs have ended, a run's loss is NaN.
        OutOfTime: the deadline has passed.
    """
    failed: dict[Path, str] = {}
    for group in alike(runs):
        if time.monotonic() > deadline:
            raise OutOfTime
        failed |= _train(group, batched, deadline)
    if failed:
        raise InputError(next(iter(failed.values())))


def alike(runs: Sequence[Run]) -> list[list[Run]]:
    """The runs in groups that take the same steps from the same one on: folds may differ by an
    image, and so by a step an epoch."""
    groups: list[tuple[tuple, list[Run]]] = []
    for run in runs:
        key = _key(run)
        members = next((members for other, members in groups if other == key), None)
        if members is None:
            groups.append((key, [run]))
        else:
            members.append(run)
    return [members for _, members in groups]


def _key(run: Run) -> tuple:
    recipe = run.recipe()
    recipe = replace(recipe, data=replace(recipe.data, fold=0), seed=0)
    there = run.last_checkpoint.exists()
    step = read_note(run.last_checkpoint)["step"] if there else 0
    return recipe, run.classes(), run.data_root(), step


def _train(runs: list[Run], batched: bool, deadline: float) -> dict[Path, str]:
    """Train one group; returns {folder of a run that failed: why}."""
    training = runs[0].recipe().training
    keras.config.set_dtype_policy(training.precision)
    group = _group(runs, batched)
    for run in runs:
        _note(run, {"runs": len(runs), "batched": batched, "from_step": group.step})
    bar = progress(f"train {len(runs)} at once", total=training.steps, start=group.step)
    models = len(group.lanes[0].runs)
    step = stacked.training(group.classifier, models)
    evaluate = stacked.evaluation(group.classifier, models)
    save_next = time.monotonic() + SAVE_SECONDS
    with bar:
        for start, stop, length in stretches(training.steps, training.eval_every, group.step):
            for _ in range(start, stop, length):
                _stretch(group, step, evaluate, length)
                if not _alive(group):
                    return _failures(group)
                done, now = group.step == training.steps, time.monotonic()
                if done or now > min(save_next, deadline):
                    _save(group)
                    saved = time.monotonic()
                    save_next = saved + max(SAVE_SECONDS, 20 * (saved - now))
                best = [f"{lane.records[n]['val_accuracy']:.3f}" for lane, n in _alive(group)]
                bar.set_postfix_str(f"best val accuracy {' '.join(best)}", refresh=False)
                bar.update(length)
                if now > deadline and not done:
                    raise OutOfTime
    for lane, number in _alive(group):
        fit.save_best(lane.runs[number], group.classifier)
    return _failures(group)


def _stretch(group: Group, step: Callable, evaluate: Callable, length: int) -> None:
    """The steps up to the next evaluation, that evaluation, and its rows in the logs.

    The device is given all of it before any result is read.
    """
    first, group.step = group.step, group.step + length
    lanes = [lane for lane in group.lanes if lane.alive]
    for lane in lanes:
        for log in lane.logs:
            log.on_epoch_begin(0)
    means = [_steps(lane, group.train, step, range(first, group.step)) for lane in lanes]
    sums = [_evaluate(lane, group.val, evaluate) for lane in lanes]
    for lane, mean, total in zip(lanes, means, sums, strict=True):
        mean = [{name: np.asarray(values).tolist() for name, values in m.items()} for m in mean]
        _find_failed(lane, mean, stacked.loss_scales(group.classifier, lane.state), first)
        scores = _scores(lane, total)
        wins = np.zeros(len(lane.runs), bool)
        for number in lane.alive:
            values = {name: mean[-1][name][number] for name in mean[-1]}
            lane.logs[number].on_train_batch_end(length - 1, values)
            if better(scores[number], lane.records[number]):
                wins[number] = True
                lane.records[number] = scores[number] | {"step": group.step}
            lane.logs[number].on_epoch_end(0, values | scores[number])
        lane.best = stacked.take_where(wins, lane.state[:2], lane.best)


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
    """Of each run, rounded as Keras gives them, so that a run may go on either way."""
    totals = np.array(sums, np.float64).sum(axis=0)
    images = sum(counted.sum(axis=1) for _, counted in lane.passes)
    losses, accuracies = (totals / images).astype(np.float32).tolist()
    pairs = zip(accuracies, losses, strict=True)
    return [{"val_accuracy": accuracy, "val_loss": loss} for accuracy, loss in pairs]


def _find_failed(lane: Lane, means: list[dict], scales: list[float], first: int) -> None:
    """Note the runs whose loss is no number, or whose gradients overflow at every scale."""
    for number in lane.alive:
        where = f"{lane.runs[number].path}: "
        try:
            for step, mean in enumerate(means, first + 1):
                if not np.isfinite(mean["loss"][number]):
                    refuse_nan(mean["loss"][number], step, where)
            if scales:
                refuse_overflow(scales[number], first + len(means), where)
        except InputError as error:
            lane.failed[number] = str(error)


def _alive(group: Group) -> list[tuple[Lane, int]]:
    """Every run that has not failed, as its lane and its number there."""
    return [(lane, number) for lane in group.lanes for number in lane.alive]


def _failures(group: Group) -> dict[Path, str]:
    failed = [(lane.runs[n].path, why) for lane in group.lanes for n, why in lane.failed.items()]
    return dict(failed)


def _note(run: Run, how: dict) -> None:
    """Add to environment.json how the run is trained from here on."""
    known = read_json(run.environment_file)
    earlier = known.get("trained_together", [])
    write_json(run.environment_file, known | {"trained_together": [*earlier, how]})


def _save(group: Group) -> None:
    """Both checkpoints of every run."""
    classifier = group.classifier
    for lane, number in _alive(group):
        run, record = lane.runs[number], lane.records[number]
        state = stacked.member(lane.state, number)
        stacked.assign(classifier, (*stacked.member(lane.best, number), *state[2:]))
        save_checkpoint(run.best_checkpoint, classifier.network, record)
        stacked.assign(classifier, state)
        save_checkpoint(run.last_checkpoint, classifier, {"step": group.step, "best": record})


def _group(runs: list[Run], batched: bool) -> Group:
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
                logs=[_log(runs[n], classifier, step) for n in numbers],
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


def _first_state(run: Run) -> Begun:
    recipe = run.recipe()
    keras.utils.set_random_seed(recipe.seed)
    classifier = fit.build(recipe, run.classes())
    classifier.optimizer.learning_rate = optimizers.schedule(recipe.training)
    if not run.last_checkpoint.exists():
        state = stacked.state_of(classifier)
        return Begun(classifier, state, state[:2], None, 0)
    record = load_checkpoint(run.best_checkpoint, classifier.network)
    best = stacked.state_of(classifier)[:2]
    note = load_checkpoint(run.last_checkpoint, classifier)
    return Begun(classifier, stacked.state_of(classifier), best, record, note["step"])


def _log(run: Run, classifier: Classifier, step: int) -> StepLog:
    training = run.recipe().training
    rate = partial(optimizers.rate, training)
    log = StepLog(run.log_file, rate, training.batch, training.steps + 1, Arrivals())
    classifier.first_step = step
    log.set_model(classifier)
    log.on_train_begin()
    return log
