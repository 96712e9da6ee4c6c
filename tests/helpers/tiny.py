"""The registered network "tiny" of a few hundred weights, and images to train it on."""

import dataclasses
from pathlib import Path

import keras
from made_images import CLASSES, dark_and_bright

from covid_keras import recipes
from covid_keras.models import registry
from covid_keras.models.network import PREPROCESSING, Network
from covid_keras.recipes.config import Recipe
from covid_keras.recipes.settings import override
from covid_keras.runs import run as run_folder
from covid_keras.runs.run import Run
from covid_keras.training.callbacks import StepCallback

SETTINGS = {
    "data.dataset": "folder",
    "input.resize": 20,
    "input.crop": 16,
    "input.box": "none",
    "data.positive": "dark",
    "model.name": "tiny",
    "model.weights": "random",
    "model.head": "original",
    "model.preprocessing": "tf",
    "training.batch": 4,
    "training.steps": 12,
    "training.eval_every": 4,
    "training.learning_rate": 0.1,
    "training.gradcam": 0,
    "training.keep": "best",
}


def graph(images):
    """Return the features of one seeded convolution."""
    seed = keras.initializers.GlorotUniform(seed=1)
    stem = keras.layers.Conv2D(
        6, 3, strides=2, padding="same", kernel_initializer=seed, name="stem"
    )
    return keras.layers.Activation("relu", name="features")(stem(images))


def original_head(features, classes: int, activation: str | None, dropout: float):
    """Build a seeded dense layer that is not zero, so that LAMB learns too."""
    x = keras.layers.GlobalAveragePooling2D(name="pool")(features)
    if dropout:
        x = keras.layers.Dropout(dropout)(x)
    seed = keras.initializers.GlorotUniform(seed=2)
    head = keras.layers.Dense(
        classes, activation, kernel_initializer=seed, dtype="float32", name="head"
    )
    return head(x)


ROW = Network(
    name="tiny",
    graph=graph,
    input_size=(16, 16),
    preprocessing=PREPROCESSING["tf"],
    parameters=0,
    features=6,
    stages=("stem", "features"),
    original_head=original_head,
)
registry.register(ROW)


class InterruptAt(StepCallback):
    """Ctrl-C after a step of the run."""

    def __init__(self, stop: int) -> None:
        super().__init__()
        self.stop = stop

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        super().on_train_batch_end(batch, logs)
        if self.step == self.stop:
            raise KeyboardInterrupt


def recipe(**changes) -> Recipe:
    """The CT recipe scaled to seconds; keys as training_steps=8."""
    changes = {key.replace("_", ".", 1): value for key, value in changes.items()}
    return override(recipes.get("ct-bit"), SETTINGS | changes)


def replace_seed(recipe: Recipe, seed: int) -> Recipe:
    return dataclasses.replace(recipe, seed=seed)


def start_run(folder: Path, name: str = "run", val: bool = True, **changes) -> Run:
    """A run folder that is ready to train; without `val`, those images are trained on."""
    records = dark_and_bright(folder / "images")
    if not val:
        records = records.assign(split=records["split"].replace("val", "train"))
    return run_folder.create(folder / name, recipe(**changes), records, CLASSES, folder / "images")
