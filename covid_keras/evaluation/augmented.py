"""Test-time augmentation: what a network says of several drawn views of the same image."""

from dataclasses import replace
from pathlib import Path

import keras
import pandas as pd

from covid_keras.evaluation.ensemble import write_mean
from covid_keras.metrics.predictions import Predictions
from covid_keras.models.fold import fold
from covid_keras.models.outputs import class_probabilities
from covid_keras.models.preprocessing import Normalise
from covid_keras.pipeline.samples import Samples
from covid_keras.recipes.config import Augmentation
from covid_keras.runs.folder import Run, write_beside
from covid_keras.runs.inference import Trained, predict_slices
from covid_keras.training.classifier import Augment
from covid_keras.utils.errors import InputError


class Views(Augment):
    """Draws at inference what the recipe draws in training."""

    def call(self, images):
        """(B, S, S, 1) in grey levels 0 to 255 to (B, c, c, 1)."""
        return super().call(images, training=True)


def predict_views(
    run: Run,
    trained: Trained,
    name: str,
    plain: Predictions,
    records: pd.DataFrame,
    root: Path,
    views: int,
) -> None:
    """Predict `views` views of each image; their mean goes into the run's folder `augmented`.

    The augmentation is the recipe's, without mixup, and seeded by it.

    Args:
        run: of the network; its augmented/ keeps other sets that it holds.
        trained: the run, loaded.
        name: of the set.
        plain: what the network says of the images themselves.
        records: the images, in the order of `plain`.
        root: the folder that `records.image` is relative to.
        views: at least 2.

    Raises:
        InputError: fewer than two views, or a recipe that draws nothing.
    """
    check_views(trained, views)
    spec = trained.recipe.input
    slices = Samples(records, root, trained.classes, spec, spec.resize)
    model = _view_model(trained, slices)
    members = [
        replace(plain, probabilities=predict_slices(model, trained, slices, f"view {number + 1}"))
        for number in range(views)
    ]
    write_mean(run.augmented, name, members)
    counts = run.views() | {name: views}
    write_beside(run.augmented, run, run.known_stamps(), views=counts)


def check_views(trained: Trained, views: int) -> None:
    """Raise InputError where views cannot be drawn, before anything is predicted."""
    if views < 2:
        raise InputError(f"--augmented: expected 2 views or more. Received: {views}")
    recipe = trained.recipe
    nothing = Augmentation(flip=False, mixup=recipe.augmentation.mixup)
    if recipe.augmentation == nothing and recipe.input.resize == recipe.input.crop:
        raise InputError(
            "--augmented: expected a recipe that augments. Received: one that does not"
        )


def _view_model(trained: Trained, slices: Samples) -> keras.Model:
    """uint8 slices (B, S, S, 1) to probabilities (B, K) of one drawn view of each."""
    inputs = keras.Input((*slices.shape, 1), dtype="uint8", name="slices")
    expected = trained.preprocessing
    images = Normalise(expected.offset, expected.scale)(Views(trained.recipe)(inputs))
    return keras.Model(inputs, class_probabilities(fold(trained.network)(images)))
