"""Test-time augmentation: the mean prediction over randomly augmented samples of each image."""

from dataclasses import replace
from pathlib import Path

import keras
import pandas as pd

from covid_keras.evaluation.ensemble import write_mean
from covid_keras.metrics.predictions import Predictions
from covid_keras.models.fold import fold
from covid_keras.models.heads import class_probabilities
from covid_keras.models.layers import Normalise
from covid_keras.pipeline.samples import Samples
from covid_keras.recipes.config import Augmentation
from covid_keras.runs.inference import Trained, predict_samples
from covid_keras.runs.run import Run, describe_predictions
from covid_keras.training.classifier import Augment
from covid_keras.utils.backend import Tensor
from covid_keras.utils.errors import InputError


class AugmentAlways(Augment):
    """Augment at inference as the recipe does in training."""

    def call(self, images) -> Tensor:
        """Return (B, c, c, 1) from images (B, S, S, 1), both in grey levels 0 to 255."""
        return super().call(images, training=True)


def predict_augmented(
    run: Run,
    trained: Trained,
    name: str,
    plain: Predictions,
    records: pd.DataFrame,
    root: Path,
    count: int,
) -> None:
    """Predict `count` augmented samples of each image and write their mean.

    The augmentation is the recipe's without mixup, drawn with the recipe's seed. Writes into
    `run.test_time_augmentation`, which may hold other sets.

    Args:
        name: Name of the set.
        plain: Predictions of the images without augmentation.
        records: The images, in the order of `plain`, relative to `root`.
        count: Samples of each image, at least 2.

    Raises:
        InputError: Fewer than two samples, or a recipe without augmentation.
    """
    check_samples(trained, count)
    spec = trained.recipe.input
    samples = Samples(records, root, trained.classes, **spec.geometry(spec.resize))
    model = _augmented_model(trained, samples)
    labels = (f"sample {n + 1} of {count}" for n in range(count))
    outputs = (predict_samples(model, trained, samples, label) for label in labels)
    members = [replace(plain, probabilities=probabilities) for probabilities in outputs]
    write_mean(run.test_time_augmentation, name, members)
    counts = run.augmented_samples() | {name: count}
    describe_predictions(run.test_time_augmentation, run, run.known_stamps(), samples=counts)


def check_samples(trained: Trained, count: int) -> None:
    """Raise InputError if there is nothing to average: one sample, or no augmentation."""
    if count < 2:
        raise InputError(f"test-time augmentation: expected 2 samples or more. Received: {count}")
    recipe = trained.recipe
    none = Augmentation(flip=False, mixup=recipe.augmentation.mixup)
    if recipe.augmentation == none and recipe.input.resize == recipe.input.crop:
        expected = "expected a recipe that augments its training images"
        raise InputError(f"test-time augmentation: {expected}. Received: one that does not")


def _augmented_model(trained: Trained, samples: Samples) -> keras.Model:
    """Map uint8 images (B, S, S, 1) to probabilities (B, K) of an augmented sample of each."""
    inputs = keras.Input((*samples.shape, 1), dtype="uint8", name="slices")
    expected = trained.preprocessing
    augmented = AugmentAlways(trained.recipe)(inputs)
    images = Normalise(expected.offset, expected.scale)(augmented)
    return keras.Model(inputs, class_probabilities(fold(trained.network)(images)))
