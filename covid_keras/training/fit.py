"""One training run, from a recipe and a folder of images to a run folder."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from covid_keras.data import splits
from covid_keras.data.pipeline import (
    Slices,
    evaluation_dataset,
    readable_errors,
    training_dataset,
)
from covid_keras.devices import gpu_count
from covid_keras.errors import InputError
from covid_keras.files import atomic_path
from covid_keras.models import create_model, zoo
from covid_keras.recipes.base import Recipe, Training
from covid_keras.runs import RunFolder
from covid_keras.training.callbacks import (
    Checkpoints,
    GradCamExport,
    ProgressBar,
    StepLog,
    StopOnNaN,
)
from covid_keras.training.checkpoint import load_checkpoint
from covid_keras.training.classifier import Classifier
from covid_keras.training.schedule import WarmupStepDecay, stretched, warmup_step_decay

GRADCAM_IMAGES = 6
"""Val images that the Grad-CAM callback follows through training."""


def check(recipe: Recipe, records: pd.DataFrame, root: Path) -> None:
    """Find out before training what would otherwise stop it half-way.

    Raises:
        InputError: settings that cannot work together, a patient in two splits, a class or split
            without images, or a missing image file.
    """
    training, geometry = recipe.training, recipe.input
    if geometry.crop > geometry.resize:
        raise InputError(
            f"crop larger than resize: expected input.crop <= input.resize={geometry.resize}."
            f" Received: input.crop={geometry.crop}"
        )
    for name in ("batch", "steps", "eval_every", "steps_per_execution"):
        if getattr(training, name) < 1:
            raise InputError(
                f"training.{name}: expected 1 or more. Received: {getattr(training, name)}"
            )
    for length in {length for _, _, length in _stretches(training, 0)}:
        if length % training.steps_per_execution:
            raise InputError(
                "training.steps_per_execution must divide training.eval_every and training.steps."
                f" Received: {training.steps_per_execution} with {length} steps"
            )
    splits.check_disjoint(records)
    for split in ("train", "val", "test"):
        if not (records["split"] == split).any():
            raise InputError(f"{root}: no images in the {split} split")
    missing = [image for image in records["image"] if not (root / image).is_file()]
    if missing:
        raise InputError(
            f"{root / missing[0]}: image not found (and {len(missing) - 1} more);"
            " covid-keras data verify lists them all"
        )


def train(run: RunFolder, *, resume: bool = False) -> Classifier:
    """Train what the run folder says, until its last step.

    Writes log.csv, checkpoints/, gradcam/ and, at the end, model.keras: the network with the best
    accuracy on val, without the augmentation. Test images are never read.

    Args:
        run: a folder made by `covid_keras.runs.create`.
        resume: go on from checkpoints/last.npz, to the same weights as without the interruption.

    Raises:
        InputError: an image, weights or checkpoint file cannot be read, or the loss is NaN.
    """
    recipe = run.recipe()
    training = recipe.training
    keras.utils.set_random_seed(recipe.seed)
    keras.config.set_dtype_policy(training.precision)
    sources = {split: _slices(run, recipe, split) for split in ("train", "val")}
    classifier = build(recipe, run.classes())
    note = {"step": 0, "best": None}
    if resume and run.last_checkpoint.exists():
        note = load_checkpoint(run.last_checkpoint, classifier)
    validation = evaluation_dataset(sources["val"], training.batch)
    callbacks = _callbacks(run, recipe, note, sources["val"])
    with readable_errors(*sources.values()):
        for start, stop, length in _stretches(training, note["step"]):
            batches = training_dataset(
                sources["train"],
                batch=training.batch,
                steps=training.steps,
                seed=recipe.seed,
                start=start,
            )
            classifier.fit(
                batches,
                steps_per_epoch=length,
                initial_epoch=start // training.eval_every,
                epochs=start // training.eval_every + (stop - start) // length,
                validation_data=validation,
                callbacks=callbacks,
                verbose=0,
            )
    save_best(run, classifier)
    return classifier


def build(recipe: Recipe, classes: tuple[str, ...]) -> Classifier:
    """The compiled classifier with its first weights and all variables built."""
    training = recipe.training
    network = create_model(
        recipe.model.name,
        classes=len(classes),
        input_shape=(recipe.input.crop, recipe.input.crop, 3),
        weights=recipe.model.weights or None,
        head=recipe.model.head,
    )
    classifier = Classifier(network, zoo.get(recipe.model.name).preprocessing, recipe)
    classifier.compile(
        optimizer=keras.optimizers.SGD(training.learning_rate, momentum=training.momentum),
        jit_compile=_jit(training.jit),
        steps_per_execution=training.steps_per_execution,
    )
    classifier.optimizer.build(classifier.trainable_variables)
    return classifier


def save_best(run: RunFolder, classifier: Classifier) -> None:
    """Load the best checkpoint into the network and write it as model.keras."""
    load_checkpoint(run.best_checkpoint, classifier.network)
    with atomic_path(run.model_file) as temporary:
        classifier.network.save(temporary)


def learning_rate(training: Training) -> Callable[[int], float]:
    """The rate at each step, counted from 0, of the schedule stretched to `training.steps`."""
    knees = stretched(training.schedule, training.steps)
    return lambda step: warmup_step_decay(step, training.learning_rate, knees)


def _slices(run: RunFolder, recipe: Recipe, split: str) -> Slices:
    records = run.split()
    return Slices(
        records[records["split"] == split],
        run.data_root(),
        run.classes(),
        recipe.input,
        recipe.input.resize if split == "train" else recipe.input.crop,
        recipe.data.cache,
    )


def _stretches(training: Training, start: int) -> list[tuple[int, int, int]]:
    """(first step, end, steps between evaluations): whole stretches, then what is left over."""
    every, steps = training.eval_every, training.steps
    whole = steps - steps % every
    parts = [(start, whole, every), (max(start, whole), steps, steps - whole)]
    return [(first, end, length) for first, end, length in parts if first < end]


def _callbacks(run: RunFolder, recipe: Recipe, note: dict, val: Slices) -> list:
    training, start = recipe.training, note["step"]
    every = max(1, training.eval_every // 10)
    knees = stretched(training.schedule, training.steps)
    callbacks = [
        WarmupStepDecay(training.learning_rate, knees),
        StopOnNaN(start),
        StepLog(run.log_file, learning_rate(training), training.batch, every, start),
        Checkpoints(run.last_checkpoint, run.best_checkpoint, note["best"], start),
        ProgressBar(training.steps, start),
    ]
    if training.gradcam:
        callbacks.append(GradCamExport(_panel_drawer(run, recipe, val), start))
    if training.tensorboard:
        callbacks.append(keras.callbacks.TensorBoard(str(run.path / "tensorboard")))
    return callbacks


def _panel_drawer(run: RunFolder, recipe: Recipe, val: Slices) -> Callable:
    """Draws the same few val images, spread over the classes, with the network as it is."""
    from covid_keras.explain.panels import draw_panel

    numbers = [np.flatnonzero(val.labels == label) for label in range(len(val.classes))]
    each = max(1, GRADCAM_IMAGES // len(numbers))
    chosen = np.concatenate([found[:: max(1, len(found) // each)][:each] for found in numbers])

    def draw(network: keras.Model, step: int) -> None:
        path = run.gradcam / f"step_{step:06}.png"
        draw_panel(path, network, recipe, val, chosen, f"step {step:,}", run.stamps())

    return draw


def _jit(choice: str) -> bool:
    """Whether the training step is compiled with XLA: on a GPU it pays, on a CPU it does not."""
    if choice not in ("auto", "on", "off"):
        raise InputError(f"training.jit: expected auto, on or off. Received: {choice!r}")
    return choice == "on" or (choice == "auto" and gpu_count() > 0)
