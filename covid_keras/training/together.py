"""Train several runs of one recipe, folds and seeds, at once on one device. JAX only.

Each run ends as it would alone, up to rounding: the same batches, draws, schedule and choice of
the best weights. All images lie on the device, and steps are dispatched asynchronously until the
next evaluation, so that the device never waits for Python or files.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import jax
import keras
import numpy as np

from covid_keras.pipeline.batches import Batches
from covid_keras.pipeline.input_wait import InputWait
from covid_keras.runs.folder import Run
from covid_keras.training import fit, optimizers, resident, stacked
from covid_keras.training.callbacks import StepLog, better, check_loss, check_scale
from covid_keras.training.checkpoint import load_checkpoint, read_note, save_checkpoint
from covid_keras.training.classifier import Classifier
from covid_keras.training.resident import Resident
from covid_keras.training.stretches import stretches
from covid_keras.utils.errors import InputError, OutOfTime
from covid_keras.utils.files import read_json, write_json
from covid_keras.utils.progress import progress


@dataclass
class Member:
    """One of the runs."""

    run: Run
    batches: Batches
    """Of training."""
    places: np.ndarray
    """Where its training images are on the device."""
    log: StepLog
    record: dict | None
    """Scores of its best evaluation so far."""
    failure: str = ""
    """Why it stopped."""


@dataclass
class Stack:
    """Runs whose models share one state, with a leading axis, and go through one compiled step."""

    members: list[Member]
    val: list[tuple[np.ndarray, np.ndarray]]
    """The batches of val; see `resident.evaluation_indices`."""
    state: stacked.State
    best: tuple[list, list]
    """Trainable and other variables of each run's best evaluation so far."""

    @property
    def running(self) -> list[int]:
        """Return the numbers of the members that have not failed."""
        return [number for number, member in enumerate(self.members) if not member.failure]

    def indices(self, step: int) -> np.ndarray:
        """Return the images of training step `step`, counted from 0: int32 (members, batch)."""
        return np.stack([member.places[member.batches.indices_of(step)] for member in self.members])


@dataclass
class Group:
    """Runs that take the same steps, and what they share."""

    classifier: Classifier
    """Of one of the runs; its structure is that of all."""
    stacks: list[Stack]
    train: Resident
    val: Resident
    step: int
    """Optimiser steps done."""
    train_step: Callable
    """See `stacked.training`."""
    evaluate: Callable
    """See `stacked.evaluation`."""

    @property
    def running(self) -> list[tuple[Stack, int]]:
        """Return every run that has not failed, as its stack and its number there."""
        return [(stack, number) for stack in self.stacks for number in stack.running]

    @property
    def failures(self) -> dict[Path, str]:
        """Return {folder of a run that failed: why}."""
        members = [member for stack in self.stacks for member in stack.members]
        return {member.run.path: member.failure for member in members if member.failure}


def train_together(
    runs: Sequence[Run],
    *,
    batched: bool = False,
    deadline: float = float("inf"),
    save_seconds: float = 60.0,
    on_evaluation: Callable[[Group], None] = lambda group: None,
) -> None:
    """Train runs that differ only in fold and seed, to their last step.

    Writes for each run what `fit.train` writes; log.csv has only the rows of evaluations. Runs
    that have checkpoints continue from them.

    Args:
        runs: folders made by `covid_keras.runs.folder.create`, of one recipe and data set.
        batched: see `stacked.training`.
        deadline: of `time.monotonic`; checked after every evaluation.
        save_seconds: between checkpoints, at least; twenty times as long as writing them takes,
            if that is more.
        on_evaluation: called after every evaluation, before checkpoints are written.

    Raises:
        InputError: an image, weights or checkpoint file cannot be read, the images do not fit on
            the device, or, after the other runs have ended, a run's loss is NaN.
        OutOfTime: the deadline has passed.
    """
    failures: dict[Path, str] = {}
    for members in alike(runs):
        if time.monotonic() > deadline:
            raise OutOfTime
        keras.config.set_dtype_policy(members[0].recipe().training.precision)
        group = _start(members, batched)
        for run in members:
            _note(run, {"runs": len(members), "batched": batched, "from_step": group.step})
        _train(group, deadline, save_seconds, on_evaluation)
        failures |= group.failures
    if failures:
        raise InputError(next(iter(failures.values())))


def alike(runs: Sequence[Run]) -> list[list[Run]]:
    """Return the runs in groups that take the same steps, from the same one on.

    Folds may differ by an image, and so by a step per epoch.
    """
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
    begun = run.last_checkpoint.exists()
    step = read_note(run.last_checkpoint)["step"] if begun else 0
    return recipe, run.classes(), run.data_root(), step


def _train(
    group: Group, deadline: float, save_seconds: float, on_evaluation: Callable[[Group], None]
) -> None:
    """Train a group until its last step, or until all its runs have failed."""
    runs = [stack.members[number].run for stack, number in group.running]
    training = runs[0].recipe().training
    save_next = time.monotonic() + save_seconds
    with progress(f"train {len(runs)} runs", total=training.steps, start=group.step) as bar:
        for start, stop, length in stretches(training.steps, training.eval_every, group.step):
            for _ in range(start, stop, length):
                _stretch(group, length)
                on_evaluation(group)
                if not group.running:
                    return
                done, now = group.step == training.steps, time.monotonic()
                if done or now > min(save_next, deadline):
                    _save(group)
                    saved = time.monotonic()
                    save_next = saved + max(save_seconds, 20 * (saved - now))
                best = [stack.members[n].record["val_accuracy"] for stack, n in group.running]
                note = " ".join(f"{accuracy:.3f}" for accuracy in best)
                bar.set_postfix_str(f"best val accuracy {note}", refresh=False)
                bar.update(length)
                if now > deadline and not done:
                    raise OutOfTime
    for stack, number in group.running:
        fit.save_best(stack.members[number].run, group.classifier)


def _stretch(group: Group, length: int) -> None:
    """Take the steps up to the next evaluation, evaluate, and write the logs.

    All of it is dispatched before any result is read.
    """
    first, group.step = group.step, group.step + length
    stacks = [stack for stack in group.stacks if stack.running]
    for stack in stacks:
        for member in stack.members:
            member.log.on_epoch_begin(0)
    means = [_dispatch_steps(group, stack, range(first, group.step)) for stack in stacks]
    images, labels = group.val.images, group.val.labels
    sums = [
        [group.evaluate(stack.state, images, labels, *batch) for batch in stack.val]
        for stack in stacks
    ]
    for stack, *results in zip(stacks, means, sums, strict=True):
        _record(group, stack, first, *jax.device_get(results))


def _dispatch_steps(group: Group, stack: Stack, steps: range) -> list[dict]:
    """Dispatch training steps; return Keras' means after each, still on the device."""
    stack.state = stacked.reset_metrics(stack.state)
    images, labels, means = group.train.images, group.train.labels, []
    for step in steps:
        stack.state, mean = group.train_step(stack.state, images, labels, stack.indices(step))
        means.append(mean)
    return means


def _record(group: Group, stack: Stack, first: int, means: list[dict], sums: list[tuple]) -> None:
    """Log a stretch of steps and its evaluation, note failures, and keep the best weights."""
    scales = stacked.loss_scales(group.classifier, stack.state)
    scores = _scores(stack, sums)
    wins = np.zeros(len(stack.members), bool)
    for number in stack.running:
        member = stack.members[number]
        where = f"{member.run.path}: "
        try:
            for step, mean in enumerate(means, first + 1):
                check_loss(mean["loss"][number].item(), step, where)
            if scales:
                check_scale(scales[number], group.step, where)
        except InputError as error:
            member.failure = str(error)
            continue
        logs = {name: values[number].item() for name, values in means[-1].items()}
        member.log.on_train_batch_end(len(means) - 1, logs)
        if better(scores[number], member.record):
            wins[number] = True
            member.record = scores[number] | {"step": group.step}
        member.log.on_epoch_end(0, logs | scores[number])
    stack.best = stacked.take_where(wins, stack.state[:2], stack.best)


def _scores(stack: Stack, sums: list[tuple]) -> list[dict[str, float]]:
    """Return each run's scores on val, rounded as Keras rounds them in `fit`."""
    totals = np.array(sums, np.float64).sum(axis=0)
    images = sum(counted.sum(axis=1) for _, counted in stack.val)
    losses, accuracies = (totals / images).astype(np.float32).tolist()
    pairs = zip(accuracies, losses, strict=True)
    return [{"val_accuracy": accuracy, "val_loss": loss} for accuracy, loss in pairs]


def _note(run: Run, how: dict) -> None:
    """Add to environment.json how the run is trained from here on."""
    known = read_json(run.environment_file)
    earlier = known.get("trained_together", [])
    write_json(run.environment_file, known | {"trained_together": [*earlier, how]})


def _save(group: Group) -> None:
    """Write both checkpoints of every run."""
    classifier = group.classifier
    for stack, number in group.running:
        run, record = stack.members[number].run, stack.members[number].record
        state = stacked.member(stack.state, number)
        stacked.assign(classifier, (*stacked.member(stack.best, number), *state[2:]))
        save_checkpoint(run.best_checkpoint, classifier.network, record)
        stacked.assign(classifier, state)
        save_checkpoint(run.last_checkpoint, classifier, {"step": group.step, "best": record})


def _start(runs: list[Run], batched: bool) -> Group:
    """Put the runs' images on the device, and return them at their first or saved states."""
    recipe = runs[0].recipe()
    train_samples = [fit.samples(run, recipe, "train") for run in runs]
    val_samples = [fit.samples(run, recipe, "val") for run in runs]
    train = resident.put(train_samples, "read train")
    val = resident.put(val_samples, "read val")
    stacks = []
    for numbers in [range(len(runs))] if batched else [[number] for number in range(len(runs))]:
        members, states, bests = [], [], []
        for number in numbers:
            run, samples = runs[number], train_samples[number]
            classifier, state, best, record, step = _first_state(run)
            batches = fit.batches(samples, run.recipe())
            log = _log(run, classifier)
            members.append(Member(run, batches, train.places[number], log, record))
            states.append(state)
            bests.append(best)
        places = [val.places[number] for number in numbers]
        indices = resident.evaluation_indices(places, recipe.training.batch)
        stacks.append(Stack(members, indices, stacked.stack(states), stacked.stack(bests)))
    models = len(stacks[0].members)
    train_step = stacked.training(classifier, models)
    evaluate = stacked.evaluation(classifier, models)
    return Group(classifier, stacks, train, val, step, train_step, evaluate)


def _first_state(run: Run) -> tuple[Classifier, stacked.State, tuple, dict | None, int]:
    """Return a run's classifier, state, best variables and their record, and steps done."""
    recipe = run.recipe()
    keras.utils.set_random_seed(recipe.seed)
    classifier = fit.build(recipe, run.classes())
    classifier.optimizer.learning_rate = optimizers.schedule(recipe.training)
    if not run.last_checkpoint.exists():
        state = stacked.state_of(classifier)
        return classifier, state, state[:2], None, 0
    record = load_checkpoint(run.best_checkpoint, classifier.network)
    best = stacked.state_of(classifier)[:2]
    classifier.first_step = load_checkpoint(run.last_checkpoint, classifier)["step"]
    return classifier, stacked.state_of(classifier), best, record, classifier.first_step


def _log(run: Run, classifier: Classifier) -> StepLog:
    """Return a log that has only the rows of evaluations, begun at the classifier's first step."""
    training = run.recipe().training
    log = StepLog(
        run.log_file,
        optimizers.schedule(training),
        batch=training.batch,
        every=training.steps + 1,
        waits=InputWait(),
    )
    log.set_model(classifier)
    log.on_train_begin()
    return log
