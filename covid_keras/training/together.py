"""Train several runs of one recipe, folds and seeds, at once on one device. JAX only.

Each run ends as it would alone, up to rounding: the same batches, draws, schedule and choice of
the best weights. All images lie on the device, and steps are dispatched asynchronously until the
next evaluation, so that the device never waits for Python or files.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import jax
import keras
import numpy as np

from covid_keras.pipeline.batches import Batches
from covid_keras.pipeline.loader import InputWait
from covid_keras.pipeline.samples import Samples
from covid_keras.recipes.config import stretches
from covid_keras.runs.run import Run
from covid_keras.training import fit, resident, stacked
from covid_keras.training.callbacks import StepLog, check_folder, check_loss, check_scale
from covid_keras.training.checkpoint import load_checkpoint, read_note, save_checkpoint
from covid_keras.training.classifier import Classifier
from covid_keras.training.resident import Resident
from covid_keras.training.schedule import recipe_schedule
from covid_keras.training.validation import better, val_scores
from covid_keras.utils.errors import InputError, OutOfTime
from covid_keras.utils.files import read_json, write_json
from covid_keras.utils.progress import progress


@dataclass
class Member:
    """One of the runs.

    Attributes:
        batches, places: its training batches, and where their images are on the device.
        val_labels: int32 (N,), of its val images.
        score: `VAL_COLUMNS` of its last evaluation; empty without val.
        record: the same of its best evaluation so far, with the step.
        failure: why it stopped.
    """

    run: Run
    batches: Batches
    places: np.ndarray
    val_labels: np.ndarray
    log: StepLog
    record: dict | None
    score: dict = field(default_factory=dict)
    failure: str = ""


@dataclass
class Stack:
    """Runs whose models share one state, with a leading axis, and go through one compiled step."""

    members: Sequence[Member]
    val: list[tuple[np.ndarray, np.ndarray]]
    """The batches of val; see `resident.evaluation_indices`."""
    state: stacked.State
    best: tuple[list, list]
    """Trainable and other variables of each run's best evaluation so far."""

    @property
    def running(self) -> list[int]:
        """Return the numbers of the members that have not failed."""
        return [number for number, member in enumerate(self.members) if not member.failure]


@dataclass
class Group:
    """Runs that take the same steps, and what they share."""

    classifier: Classifier
    """Of one of the runs; its structure is that of all."""
    stacks: list[Stack]
    train: Resident
    val: Resident
    criterion: str
    """See `recipes.config.Training.best_by`."""
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
        runs: folders made by `covid_keras.runs.run.create`, of one recipe and data set.
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
    failures = []
    for members in alike(runs):
        if time.monotonic() > deadline:
            raise OutOfTime
        keras.config.set_dtype_policy(members[0].recipe().training.precision)
        group = _start(members, batched)
        how = {"runs": len(members), "batched": batched, "from_step": group.step}
        for run in members:
            known = read_json(run.environment_file)
            earlier = known.get("trained_together", [])
            write_json(run.environment_file, known | {"trained_together": [*earlier, how]})
        _train(group, deadline, save_seconds, on_evaluation)
        failures += [member.failure for stack in group.stacks for member in stack.members]
    if any(failures):
        raise InputError(next(filter(None, failures)))


def alike(runs: Sequence[Run]) -> list[list[Run]]:
    """Return the runs in groups that take the same steps, from the same one on.

    Folds may differ by an image, and so by a step per epoch.
    """
    groups: dict[str, list[Run]] = {}
    for run in runs:
        recipe = run.recipe()
        recipe = replace(recipe, data=replace(recipe.data, fold=0), seed=0)
        step = read_note(run.last_checkpoint)["step"] if run.last_checkpoint.exists() else 0
        key = repr((recipe, run.classes(), run.data_root(), step))
        groups.setdefault(key, []).append(run)
    return list(groups.values())


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
                bar.set_postfix_str(_note(group), refresh=False)
                bar.update(length)
                if now > deadline and not done:
                    raise OutOfTime
    for stack, number in group.running:
        fit.save_kept(stack.members[number].run, group.classifier)


def _note(group: Group) -> str:
    """Return each run's accuracy on val; "" without val."""
    scores = [stack.members[number].score for stack, number in group.running]
    accuracies = [f"{score['val_accuracy']:.3f}" for score in scores if score]
    return " ".join(["val accuracy", *accuracies]) if accuracies else ""


def _stretch(group: Group, length: int) -> None:
    """Take the steps up to the next evaluation, evaluate, and write the logs.

    All of it is dispatched before any result is read.
    """
    steps = range(group.step, group.step + length)
    group.step += length
    stacks = [stack for stack in group.stacks if stack.running]
    for member in (member for stack in stacks for member in stack.members):
        member.log.on_epoch_begin(0)
    means: list[list] = [[] for _ in stacks]
    images, labels = group.train.images, group.train.labels
    for stack, stack_means in zip(stacks, means, strict=True):
        stack.state = stacked.reset_metrics(stack.state)
        for step in steps:
            chosen = [member.places[member.batches.indices_of(step)] for member in stack.members]
            stack.state, mean = group.train_step(stack.state, images, labels, np.stack(chosen))
            stack_means.append(mean)
    images, labels = group.val.images, group.val.labels
    logits = [
        [group.evaluate(stack.state, images, labels, indices) for indices, _ in stack.val]
        for stack in stacks
    ]
    for stack, *results in zip(stacks, means, logits, strict=True):
        _record(group, stack, steps, *jax.device_get(results))


def _record(
    group: Group, stack: Stack, steps: range, means: list[dict], logits: list[np.ndarray]
) -> None:
    """Log a stretch of steps and its evaluation, note failures, and keep the best weights."""
    scales = stacked.loss_scales(group.classifier, stack.state)
    wins = np.zeros(len(stack.members), bool)
    for number in stack.running:
        member = stack.members[number]
        where = f"{member.run.path}: "
        try:
            check_folder(member.run.recipe_file)
            for step, mean in zip(steps, means, strict=True):
                check_loss(mean["loss"][number].item(), step + 1, where)
            if scales:
                check_scale(scales[number], group.step, where)
        except InputError as error:
            member.failure = str(error)
            continue
        logs = {name: values[number].item() for name, values in means[-1].items()}
        member.log.on_train_batch_end(len(means) - 1, logs)
        if stack.val:
            member.score = _scores(stack.val, logits, number, member.val_labels)
        if group.criterion and better(member.score, member.record, group.criterion):
            wins[number] = True
            member.record = member.score | {"step": group.step}
        member.log.on_epoch_end(0, logs | member.score)
    stack.best = stacked.take_where(wins, stack.state[:2], stack.best)


def _scores(
    val: list[tuple[np.ndarray, np.ndarray]],
    logits: list[np.ndarray],
    number: int,
    labels: np.ndarray,
) -> dict[str, float]:
    """Return `VAL_COLUMNS` of one member of a stack, from the logits of all batches of val."""
    counted = np.concatenate([counted[number] for _, counted in val])
    scores = val_scores(np.concatenate([batch[number] for batch in logits])[counted], labels)
    return {f"val_{name}": score for name, score in scores.items()}


def _save(group: Group) -> None:
    """Write the checkpoints of every run."""
    classifier = group.classifier
    for stack, number in group.running:
        run, record = stack.members[number].run, stack.members[number].record
        state = stacked.member(stack.state, number)
        if group.criterion:
            stacked.assign(classifier, (*stacked.member(stack.best, number), *state[2:]))
            save_checkpoint(run.best_checkpoint, classifier.network, record)
        stacked.assign(classifier, state)
        save_checkpoint(run.last_checkpoint, classifier, {"step": group.step, "best": record})


def _start(runs: list[Run], batched: bool) -> Group:
    """Put the runs' images on the device, and return them at their first or saved states."""
    recipe = runs[0].recipe()
    sources = [fit.samples(run, recipe, "train") for run in runs]
    train = resident.put(sources, "read train")
    vals = [fit.samples(run, recipe, "val") for run in runs]
    val = resident.put(vals, "read val")
    labels = [source.labels for source in vals]
    each = list(zip(runs, sources, train.places, labels, val.places, strict=True))
    stacks = []
    for part in [each] if batched else [[run] for run in each]:
        members, states, bests = zip(*(_member(*run) for *run, _ in part), strict=True)
        indices = resident.evaluation_indices(
            [places for *_, places in part], recipe.training.batch
        )
        stacks.append(Stack(members, indices, stacked.stack(states), stacked.stack(bests)))
    classifier = members[0].log.model
    step = stacked.training(classifier, len(members))
    evaluate = stacked.evaluation(classifier, len(members))
    criterion, done = recipe.training.best_by, classifier.first_step
    return Group(classifier, stacks, train, val, criterion, done, step, evaluate)


def _member(
    run: Run, train: Samples, places: np.ndarray, val_labels: np.ndarray
) -> tuple[Member, stacked.State, tuple]:
    """Return a run with its first or saved state, and the variables of its best evaluation."""
    recipe = run.recipe()
    keras.utils.set_random_seed(recipe.seed)
    classifier = fit.build(recipe, run.classes())
    record, best = None, stacked.state_of(classifier)[:2]
    if run.last_checkpoint.exists():
        if recipe.training.best_by:
            record = load_checkpoint(run.best_checkpoint, classifier.network)
            best = stacked.state_of(classifier)[:2]
        classifier.first_step = load_checkpoint(run.last_checkpoint, classifier)["step"]
    training = recipe.training
    never = training.steps + 1  # only evaluations have rows
    schedule = recipe_schedule(training)
    log = StepLog(run.log_file, schedule, training.batch, every=never, waits=InputWait())
    log.set_model(classifier)
    log.on_train_begin()
    member = Member(run, fit.batches(train, recipe), places, val_labels, log, record)
    return member, stacked.state_of(classifier), best
