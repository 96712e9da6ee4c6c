"""Check a recipe and its data before training starts; TensorFlow is not needed."""

from pathlib import Path

import pandas as pd

from covid_keras.datasets.check import check_files
from covid_keras.datasets.levels import warn_of_levels
from covid_keras.recipes.config import Recipe, Training, stretches
from covid_keras.runs.rules import check_settings
from covid_keras.utils.errors import InputError
from covid_keras.utils.optional import need


def check_recipe(recipe: Recipe) -> None:
    """Check the settings of a recipe that is to run, before its data are known.

    Raises:
        InputError: the setting, what was expected and what was received.
    """
    check_settings(recipe)
    training = recipe.training
    if (training.steps > 0) == (training.epochs > 0):
        raise InputError(
            "training.steps, training.epochs: expected one of them to be more than 0."
            f" Received: {training.steps} and {training.epochs}"
        )
    if training.tensorboard:
        need("tensorboard", "training.tensorboard", "tensorboard")


def check_steps(recipe: Recipe) -> None:
    """Raise InputError if the settled recipe's steps do not fit together."""
    training = recipe.training
    for length in {length for _, _, length in stretches(training.steps, training.eval_every, 0)}:
        if length % training.steps_per_execution:
            raise InputError(
                "training.steps_per_execution must divide training.eval_every and training.steps."
                f" Received: {training.steps_per_execution} with {length} steps"
            )


def check_outputs(recipe: Recipe, classes: tuple[str, ...]) -> None:
    """Raise InputError if one sigmoid output meets more or fewer than two classes."""
    if recipe.model.activation == "sigmoid" and len(classes) != 2:
        raise InputError(
            "model.activation=sigmoid: expected two classes, or data.versus_rest to merge others."
            f" Received: {len(classes)} in {recipe.data.dataset} ({', '.join(classes)})"
        )


def check_split(records: pd.DataFrame, root: Path, training: Training) -> None:
    """Check that the training images fill a batch, and that the best weights can be chosen.

    Raises:
        InputError: fewer training images than a batch, or no val to choose by.
    """
    images = (records["split"] == "train").sum()
    if training.batch > images:
        raise InputError(
            f"{root}: batch larger than the training split: expected at most {images}."
            f" Received: training.batch={training.batch}; add --set training.batch={images}"
        )
    if training.best_by and "val" not in set(records["split"]):
        raise InputError(
            "training.keep=best: expected val images to choose by (data.val); without them, set"
            " training.keep=last. Received: none"
        )


def check_images(records: pd.DataFrame, root: Path, recipe: Recipe) -> None:
    """Raise InputError for the first of `datasets.check.file_problems`.

    Images of 16 bits that lose their contrast are a warning.
    """
    check_files(records, root, recipe.data.outside)
    warn_of_levels(records["image"].tolist(), root, recipe.input.levels)
