"""One training run, from a recipe and a folder of images to a run folder."""

from collections.abc import Sequence
from functools import partial

import keras
from tqdm import tqdm

from covid_keras.models import registry
from covid_keras.models.create import create_model
from covid_keras.models.network import Preprocessing
from covid_keras.pipeline import loader
from covid_keras.pipeline.batches import Batches, evaluation_batches, training_batches
from covid_keras.pipeline.samples import Samples
from covid_keras.recipes.config import Recipe, height_width
from covid_keras.runs.folder import Run
from covid_keras.training import optimizers
from covid_keras.training.callbacks import Checkpoints, ProgressBar, StepLog, StopOnNaN
from covid_keras.training.checkpoint import load_checkpoint, read_note
from covid_keras.training.classifier import Classifier
from covid_keras.training.rhythm import stretches
from covid_keras.training.schedule import InstallSchedule
from covid_keras.utils.backend import backend, gpu_count
from covid_keras.utils.files import atomic_path
from covid_keras.utils.progress import progress


def train(
    run: Run, *, resume: bool = False, callbacks: Sequence[keras.callbacks.Callback] = ()
) -> Classifier:
    """Train the run's recipe to its last step.

    Writes log.csv, checkpoints/ and, at the end, model.keras: the network with the best accuracy
    on val, without the augmentation. Test images are never read.

    Args:
        run: a folder made by `covid_keras.runs.folder.create`.
        resume: continue from checkpoints/last.npz, to the same weights as without the interruption.
        callbacks: called after the run's own. An epoch is the steps between two evaluations on
            val; a `StepCallback` counts the steps of the whole run.

    Returns:
        The compiled classifier, with the best weights in its network.

    Raises:
        InputError: an image, weights or checkpoint file cannot be read, or the loss is NaN.
    """
    recipe = run.recipe()
    training = recipe.training
    keras.utils.set_random_seed(recipe.seed)
    keras.config.set_dtype_policy(training.precision)
    sources = {split: slices(run, recipe, split) for split in ("train", "val")}
    classifier = build(recipe, run.classes())
    note = {"step": 0, "best": None}
    if resume and run.last_checkpoint.exists():
        note = load_checkpoint(run.last_checkpoint, classifier)
        note["best"] = read_note(run.best_checkpoint)
    validation = loader.passes(evaluation_batches(sources["val"], training.batch))
    bar = progress("train", total=training.steps, start=note["step"])
    callbacks = [*_callbacks(run, recipe, note, sources["train"], bar), *callbacks]
    with bar, loader.readable_errors(*sources.values()):
        for start, stop, length in stretches(training.steps, training.eval_every, note["step"]):
            classifier.first_step = start
            classifier.fit(
                loader.stream(batches(sources["train"], recipe, start)),
                steps_per_epoch=length,
                initial_epoch=start // training.eval_every,
                epochs=start // training.eval_every + (stop - start) // length,
                validation_data=validation,
                callbacks=callbacks,
                shuffle=False,
                verbose=0,
            )
    save_best(run, classifier)
    return classifier


def build(recipe: Recipe, classes: tuple[str, ...]) -> Classifier:
    """The compiled classifier with its first weights and all variables built."""
    training = recipe.training
    model = recipe.model
    network = create_model(
        model.name,
        classes=1 if model.activation == "sigmoid" else len(classes),
        input_shape=(*height_width(recipe.input.crop), 3),
        weights=model.weights or None,
        head=model.head,
        dropout=model.dropout,
        freeze=model.freeze,
    )
    classifier = Classifier(network, _preprocessing(recipe), recipe)
    classifier.compile(
        optimizer=optimizers.optimizer(training),
        jit_compile=_jit(training.jit),
        steps_per_execution=training.steps_per_execution,
    )
    classifier.optimizer.build(classifier.trainable_variables)
    # Built here, or else Keras takes a batch out of the stream to build its layers with.
    classifier(_input_spec(recipe), training=True)
    return classifier


def _input_spec(recipe: Recipe) -> dict[str, keras.KerasTensor]:
    """Shape and dtype of a training batch."""
    batch, sides = recipe.training.batch, height_width(recipe.input.resize)
    return {
        "image": keras.KerasTensor((batch, *sides, 1), "uint8"),
        "label": keras.KerasTensor((batch,), "int32"),
    }


def save_best(run: Run, classifier: Classifier) -> None:
    """Load the best checkpoint into the network and write it as model.keras."""
    load_checkpoint(run.best_checkpoint, classifier.network)
    with atomic_path(run.model_file) as temporary:
        classifier.network.save(temporary)


def slices(run: Run, recipe: Recipe, split: str) -> Samples:
    """The images of a split as training (train) or evaluation takes them."""
    records = run.split()
    return Samples(
        records[records["split"] == split],
        run.data_root(),
        run.classes(),
        recipe.input,
        recipe.input.resize if split == "train" else recipe.input.crop,
        recipe.data.cache,
    )


def batches(train: Samples, recipe: Recipe, start: int) -> Batches:
    """The batches of the steps from `start` on."""
    return training_batches(
        train,
        batch=recipe.training.batch,
        steps=recipe.training.steps,
        seed=recipe.seed,
        start=start,
        balance=recipe.data.balance,
    )


def _callbacks(run: Run, recipe: Recipe, note: dict, train: Samples, bar: tqdm) -> list:
    training = recipe.training
    every = max(1, training.eval_every // 10)
    arrivals = train.arrivals if training.steps_per_execution == 1 else None
    rate = partial(optimizers.rate, training)
    callbacks = [
        InstallSchedule(optimizers.schedule(training)),
        StopOnNaN(),
        StepLog(run.log_file, rate, training.batch, every, arrivals),
        Checkpoints(run.last_checkpoint, run.best_checkpoint, note["best"]),
        ProgressBar(bar),
    ]
    if training.tensorboard:
        callbacks.append(keras.callbacks.TensorBoard(str(run.path / "tensorboard")))
    return callbacks


def _preprocessing(recipe: Recipe) -> Preprocessing:
    model = recipe.model
    return registry.preprocessing(model.name, model.weights, model.preprocessing)


def _jit(choice: str) -> bool:
    """Whether the training step is compiled with XLA: JAX compiles in no other way, and without it
    would run one operation after the other; TensorFlow gains by it on a GPU, and loses on a CPU."""
    return choice == "on" or (choice == "auto" and (backend() == "jax" or gpu_count() > 0))
