"""Train one run: from a run folder with a recipe and a split to its trained network."""

import logging
from collections.abc import Callable, Sequence

import keras

from covid_keras.models.batchnorm import shorten_momentum
from covid_keras.models.create import create_model
from covid_keras.models.network import PREPROCESSING
from covid_keras.pipeline.batches import Batches, evaluation_batches, training_batches
from covid_keras.pipeline.loader import InputWait, batch_loader
from covid_keras.pipeline.samples import Samples
from covid_keras.recipes.config import Recipe, height_width, stretches
from covid_keras.runs.inference import network_arguments
from covid_keras.runs.kept import Kept
from covid_keras.runs.run import Run
from covid_keras.training.callbacks import (
    Checkpoints,
    FolderIsThere,
    ProgressBar,
    StepLog,
    StopOnNaN,
)
from covid_keras.training.checkpoint import load_checkpoint, read_note
from covid_keras.training.classifier import Classifier
from covid_keras.training.lamb import warn_of_zeros
from covid_keras.training.schedule import optimizer, recipe_schedule
from covid_keras.utils.backend import backend, gpu_count
from covid_keras.utils.files import atomic_path
from covid_keras.utils.progress import progress

_log = logging.getLogger(__name__)


def train(
    run: Run, *, resume: bool = False, callbacks: Sequence[keras.callbacks.Callback] = ()
) -> Classifier:
    """Train the run's recipe to its last step.

    Writes log.csv, checkpoints/ and, at the end, model.keras: the network with the weights that
    `training.keep` names, without the augmentation. Test images are never read.

    Args:
        run: a folder made by `covid_keras.runs.run.create`.
        resume: continue from checkpoints/last.npz, to the same weights as without the interruption.
        callbacks: called after the run's own. An epoch is the steps between two evaluations on
            val; a `StepCallback` counts the steps of the whole run.

    Returns:
        The compiled classifier, with the kept weights in its network.

    Raises:
        InputError: an image, weights or checkpoint file cannot be read, or the loss is NaN.
    """
    recipe = run.recipe()
    training = recipe.training
    keras.utils.set_random_seed(recipe.seed)
    keras.config.set_dtype_policy(training.precision)
    train_samples, val_samples = (samples(run, recipe, split, True) for split in ("train", "val"))
    classifier = build(recipe, run.classes())
    note = {"step": 0, "best": None}
    if resume and run.last_checkpoint.exists():
        note = load_checkpoint(run.last_checkpoint, classifier)
        if training.best_by:
            note["best"] = read_note(run.best_checkpoint)
    waits = InputWait()
    every, schedule = max(1, training.eval_every // 10), recipe_schedule(training)
    log = StepLog(run.log_file, schedule, training.batch, every)
    if training.steps_per_execution == 1:
        log.waits = waits
    files = run.last_checkpoint, run.best_checkpoint
    checkpoints = Checkpoints(*files, training.best_by, note["best"])
    bar = progress("train", total=training.steps, start=note["step"])
    own: list[keras.callbacks.Callback] = [
        StopOnNaN(),
        FolderIsThere(run.recipe_file),
        log,
        checkpoints,
        ProgressBar(bar, log),
    ]
    if training.tensorboard:
        own.append(keras.callbacks.TensorBoard(str(run.path / "tensorboard")))
    with bar, batch_loader() as loader:
        val = None
        if len(val_samples):
            val = loader.dataset(evaluation_batches(val_samples, training.batch, fill=True))
            classifier.val_images = len(val_samples)
        for start, stop, length in stretches(training.steps, training.eval_every, note["step"]):
            classifier.first_step = start
            classifier.fit(
                loader.stream(batches(train_samples, recipe, start, waits.note)),
                steps_per_epoch=length,
                initial_epoch=start // training.eval_every,
                epochs=start // training.eval_every + (stop - start) // length,
                validation_data=val,
                callbacks=[*own, *callbacks],
                shuffle=False,
                verbose=0,
            )
    save_kept(run, classifier)
    return classifier


def build(recipe: Recipe, classes: tuple[str, ...]) -> Classifier:
    """Return the compiled classifier with its first weights and all variables built."""
    training = recipe.training
    arguments = network_arguments(recipe, len(classes))
    network = create_model(**arguments, weights=recipe.model.weights)
    shorten_momentum(network, training.steps)
    classifier = Classifier(network, PREPROCESSING[recipe.model.preprocessing], recipe)
    # JAX has no compiler but XLA; TensorFlow is faster with XLA on a GPU, and slower on a CPU.
    xla = training.jit == "auto" and (backend() == "jax" or gpu_count() > 0)
    classifier.compile(
        optimizer=optimizer(training),
        jit_compile=xla or training.jit == "on",
        steps_per_execution=training.steps_per_execution,
    )
    classifier.optimizer.build(classifier.trainable_variables)
    if training.optimizer == "lamb":
        warn_of_zeros(network.trainable_variables)
    # Built here: Keras would take a batch out of the stream to build the layers.
    shape = (training.batch, *height_width(recipe.input.resize), 1)
    image, label = keras.KerasTensor(shape, "uint8"), keras.KerasTensor(shape[:1], "int32")
    classifier({"image": image, "label": label}, training=True)
    return classifier


def save_kept(run: Run, classifier: Classifier) -> None:
    """Load the checkpoint that is kept into the network, and write it as model.keras."""
    training = run.recipe().training
    if criterion := training.best_by:
        note = load_checkpoint(run.best_checkpoint, classifier.network)
        value = note[f"val_{criterion}"]
    else:
        note, value = load_checkpoint(run.last_checkpoint, classifier), None
    kept = Kept(note["step"], training.steps, criterion, value)
    _log.info("%s: the %s", run.model_file, kept)
    with atomic_path(run.model_file) as temporary:
        classifier.network.save(temporary)
        run.tie_model(temporary, kept)


def samples(run: Run, recipe: Recipe, split: str, repeated: bool = False) -> Samples:
    """Return the samples of a split: in train larger than the crop, else as the network's input.

    `repeated`: whether they are read many times.
    """
    records = run.split(split)
    size = recipe.input.resize if split == "train" else recipe.input.crop
    settings = recipe.input.geometry(size) | {"cache": recipe.data.cache, "repeated": repeated}
    return Samples(records, run.data_root(), run.classes(), **settings)


def batches(
    train: Samples, recipe: Recipe, start: int = 0, on_read: Callable[[int], None] | None = None
) -> Batches:
    """Return the training batches of the steps from `start` on; see `training_batches`."""
    training = recipe.training
    settings = {"seed": recipe.seed, "balance": recipe.data.balance, "on_read": on_read}
    return training_batches(
        train, batch=training.batch, steps=training.steps, start=start, **settings
    )
