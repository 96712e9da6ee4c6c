"""A picture of what a recipe's augmentation makes of one phantom image."""

import tempfile
from pathlib import Path

import cv2
import keras
import numpy as np

from covid_keras import recipes
from covid_keras.datasets.records import classes_of, image_root, load_records
from covid_keras.models import registry
from covid_keras.phantom import MAKERS
from covid_keras.pipeline.samples import Samples
from covid_keras.recipes import config
from covid_keras.training.classifier import Classifier

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
PICTURES = {name: IMAGES / f"augmentation_{name}.png" for name in ("ct-networks", "xray-3class")}
LESS = {"phantom-ct": {"slices": 1}, "phantom-xray": {}}
COLUMNS, ROWS, WIDTH = 4, 2, 240


def picture(name: str) -> np.ndarray:
    """uint8 grey (H, W): the image as the network sees it at inference, then as in training."""
    recipe = recipes.configured(name, recipes.get(name).phantom)
    network = registry.get(recipe.model.name)
    recipe = config.sized(recipe, network.input_size)
    resized, cropped = (
        np.stack([one_image(recipe, sides)] * (COLUMNS * ROWS - 1))
        for sides in (recipe.input.resize, recipe.input.crop)
    )
    whole = config.height_width(recipe.input.crop)
    pixels = keras.layers.Input((*whole, 3))
    classifier = Classifier(keras.Model(pixels, pixels), network.preprocessing, recipe)
    drawn = np.asarray(classifier.augment(resized, training=True))
    tiles = [small(image) for image in (cropped[0], *drawn)]
    rows = [np.hstack(tiles[start : start + COLUMNS]) for start in range(0, len(tiles), COLUMNS)]
    return np.vstack(rows)


def one_image(recipe: config.Recipe, sides: config.Sides) -> np.ndarray:
    """uint8 (H, W, 1), of these sides."""
    dataset = recipe.data.dataset
    with tempfile.TemporaryDirectory() as folder:
        root = MAKERS[dataset](folder, patients=15, size=288, **LESS[dataset])
        records = load_records(dataset, root)
        classes = classes_of(dataset, records)
        samples = Samples(records, image_root(root), classes, **recipe.input.geometry(sides))
        return samples.read(3)[..., None]


def small(image: np.ndarray) -> np.ndarray:
    """uint8 (h, WIDTH) from (H, W, 1) grey levels."""
    height = round(WIDTH * image.shape[0] / image.shape[1])
    grey = np.asarray(image[..., 0], np.float32)
    shrunk = cv2.resize(grey, (WIDTH, height), interpolation=cv2.INTER_AREA)
    return np.rint(shrunk).astype(np.uint8)
