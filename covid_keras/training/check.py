"""What can be found out before training starts; TensorFlow is not needed for it."""

from pathlib import Path

import pandas as pd

from covid_keras.data import splits
from covid_keras.errors import InputError
from covid_keras.recipes.base import Recipe
from covid_keras.training.rhythm import stretches


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
    for length in {length for _, _, length in stretches(training.steps, training.eval_every, 0)}:
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
