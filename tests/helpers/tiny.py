"""The registered network "tiny" of a few hundred weights, and images to train it on."""

import dataclasses
from pathlib import Path

import cv2
import keras
import numpy as np
import pandas as pd

from covid_keras.models import registry
from covid_keras.models.network import PREPROCESSING, Network
from covid_keras.recipes import ct_bit
from covid_keras.recipes.config import Recipe
from covid_keras.recipes.settings import override
from covid_keras.runs import folder as run_folder
from covid_keras.runs.folder import Run
from covid_keras.training.callbacks import StepCallback

CLASSES = ("dark", "bright")
SETTINGS = {
    "data.dataset": "folder",
    "input.resize": 20,
    "input.crop": 16,
    "input.box": "none",
    "model.name": "tiny",
    "model.head": "original",
    "model.preprocessing": "tf",
    "training.batch": 4,
    "training.steps": 12,
    "training.eval_every": 4,
    "training.learning_rate": 0.1,
    "training.gradcam": 0,
}


def backbone(name: str, input_shape: tuple) -> keras.Model:
    """Build one seeded convolution."""
    inputs = keras.Input(input_shape)
    seed = keras.initializers.GlorotUniform(seed=1)
    x = keras.layers.Conv2D(6, 3, strides=2, padding="same", kernel_initializer=seed)(inputs)
    x = keras.layers.Activation("relu", name="features")(x)
    return keras.Model(inputs, x, name=name)


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
    build=backbone,
    input_size=(16, 16),
    preprocessing=PREPROCESSING["tf"],
    parameters=0,
    features=6,
    stages=(),
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


def write_images(folder: Path, count: int = 24) -> pd.DataFrame:
    """Noise images of two mean values, with their records; 2 of 4 train, then val and test."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number in range(count):
        label = number % 2
        image = rng.normal(90 + 70 * label, 25, (24, 28)).clip(0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"{number:03}.png"), image)
        split = ("train", "train", "val", "test")[number // 2 % 4]
        rows.append((f"{number:03}.png", CLASSES[label], f"p{number}", split, "lab"))
    records = pd.DataFrame(rows, columns=["image", "label", "patient", "split", "source"])
    for side in ("x0", "y0", "x1", "y1"):
        records[side] = pd.array([pd.NA] * count, dtype="Int64")
    return records


def recipe(**changes) -> Recipe:
    """The CT recipe scaled to seconds; keys as training_steps=8."""
    changes = {key.replace("_", ".", 1): value for key, value in changes.items()}
    return override(ct_bit.CT_BIT, SETTINGS | changes)


def replace_seed(recipe: Recipe, seed: int) -> Recipe:
    return dataclasses.replace(recipe, seed=seed)


def start_run(folder: Path, name: str = "run", **changes) -> Run:
    """A run folder that is ready to train."""
    records = write_images(folder / "images")
    run_folder.create(folder / name, recipe(**changes), records, CLASSES, folder / "images")
    return Run(folder / name)


def widen(folder: Path, records: pd.DataFrame) -> None:
    """Make every third image wider, so that its size says something beside its pixels."""
    for image in records["image"][::3]:
        wider = cv2.resize(cv2.imread(str(folder / image), cv2.IMREAD_GRAYSCALE), (30, 24))
        cv2.imwrite(str(folder / image), wider)
