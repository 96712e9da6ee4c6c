"""What can be found out before training starts; TensorFlow is not needed for it."""

from pathlib import Path

import pandas as pd

from covid_keras.models import registry
from covid_keras.models.network import PREPROCESSING
from covid_keras.recipes.config import Recipe, height_width
from covid_keras.recipes.settings import SIDES, all_settings
from covid_keras.training.stretches import stretches
from covid_keras.utils.errors import InputError
from covid_keras.utils.optional import need

CHOICES = {
    "data.group": ("patient", "image"),
    "input.box": ("annotated", "body", "none"),
    "input.fit": ("stretch", "canvas"),
    "model.head": ("linear", "dense", "original"),
    "model.activation": ("softmax", "sigmoid"),
    "model.preprocessing": ("", *PREPROCESSING),
    "training.optimizer": ("sgd", "adam", "lamb"),
    "training.precision": ("float32", "mixed_bfloat16", "mixed_float16"),
    "training.jit": ("auto", "on", "off"),
}
LEAST = {
    "data.per_class": 0,
    "augmentation.mixup": 0,
    "augmentation.rotation": 0,
    "augmentation.noise": 0,
    "training.batch": 1,
    "training.steps": 0,
    "training.epochs": 0,
    "training.eval_every": 0,
    "training.weight_decay": 0,
    "training.steps_per_execution": 1,
}


def check_recipe(recipe: Recipe) -> None:
    """Find settings that cannot work, alone or together.

    Raises:
        InputError: the setting, what was expected and what was received.
    """
    values = all_settings(recipe)
    for key, choices in CHOICES.items():
        _expect(key, values, values[key] in choices, _any_of(choices))
    for key, least in LEAST.items():
        _expect(key, values, values[key] >= least, f"{least} or more")
    training = recipe.training
    _expect("input.scale", values, recipe.input.scale > 0, "more than 0")
    _expect("training.learning_rate", values, training.learning_rate > 0, "more than 0")
    _expect("training.momentum", values, 0 <= training.momentum < 1, "0 or more, less than 1")
    _expect("training.schedule", values, _ascends(training.schedule), "two or more rising steps")
    _expect("model.dropout", values, 0 <= recipe.model.dropout < 1, "0 or more, less than 1")
    for name in ("zoom", "shift", "blur", "brightness", "contrast"):
        value = getattr(recipe.augmentation, name)
        _expect(f"augmentation.{name}", values, 0 <= value <= 1, "0 to 1")
    window = recipe.input.window
    _expect("input.window", values, _is_window(window), "a centre and a positive width in HU")
    if recipe.seed < 0:
        raise InputError(f"--seed: expected 0 or more. Received: {recipe.seed}")
    for key in SIDES:
        _expect(key, values, min(height_width(values[key])) >= 1, "1 or more")
    resize, crop = map(height_width, (recipe.input.resize, recipe.input.crop))
    if crop[0] > resize[0] or crop[1] > resize[1]:
        raise InputError(
            "crop larger than resize: expected"
            f" input.crop <= input.resize={recipe.input.resize}. Received:"
            f" input.crop={recipe.input.crop}"
        )
    if (training.steps > 0) == (training.epochs > 0):
        raise InputError(
            "training.steps, training.epochs: expected one of them to be more than 0."
            f" Received: {training.steps} and {training.epochs}"
        )
    if len(training.rates) == 1:
        raise InputError(
            "training.rates: expected two or more; training.learning_rate is one for all steps."
            f" Received: {training.rates}"
        )
    if training.rates and len(training.rates) != len(training.schedule) - 1:
        raise InputError(
            f"training.rates: expected {len(training.schedule) - 1} rates for the knees"
            f" {training.schedule}. Received: {training.rates}"
        )
    if training.tensorboard:
        need("tensorboard", "training.tensorboard", "tensorboard")
    freezes = registry.get(recipe.model.name).freezes
    _expect("model.freeze", values, recipe.model.freeze in freezes, _any_of(freezes[1:]))


def check_steps(recipe: Recipe) -> None:
    """Raises InputError where the settled recipe's steps do not fit together."""
    training = recipe.training
    for length in {length for _, _, length in stretches(training.steps, training.eval_every, 0)}:
        if length % training.steps_per_execution:
            raise InputError(
                "training.steps_per_execution must divide training.eval_every and training.steps."
                f" Received: {training.steps_per_execution} with {length} steps"
            )


def check_outputs(recipe: Recipe, classes: tuple[str, ...]) -> None:
    """Raises InputError where the network's outputs cannot stand for the data's classes."""
    if recipe.model.activation == "sigmoid" and len(classes) != 2:
        raise InputError(
            "model.activation=sigmoid: expected two classes, or data.positive, the one that is told"
            f" from the others. Received: {len(classes)} in {recipe.data.dataset}"
            f" ({', '.join(classes)})"
        )


def check_data(records: pd.DataFrame, root: Path, batch: int) -> None:
    """Find out before training what would otherwise stop it half-way.

    Raises:
        InputError: a split without images, fewer training images than a batch, or a missing image
            file.
    """
    counts = records["split"].value_counts()
    for split in ("train", "val", "test"):
        if split not in counts:
            raise InputError(f"{root}: no images in the {split} split")
    if batch > counts["train"]:
        raise InputError(
            f"{root}: batch larger than the training split: expected at most {counts['train']}."
            f" Received: training.batch={batch}"
        )
    missing = [image for image in records["image"] if not (root / image).is_file()]
    if missing:
        raise InputError(
            f"{root / missing[0]}: image not found (and {len(missing) - 1} more);"
            " covid-keras data verify lists them all"
        )


def _expect(key: str, values: dict, fits: bool, expected: str) -> None:
    if not fits:
        raise InputError(f"{key}: expected {expected}. Received: {values[key]!r}")


def _any_of(choices: tuple[str, ...]) -> str:
    *others, last = [choice or "nothing" for choice in choices]
    return f"{', '.join(others)} or {last}" if others else last


def _ascends(schedule: tuple) -> bool:
    whole = len(schedule) >= 2 and all(type(step) is int for step in schedule)
    return whole and schedule[0] >= 0 and list(schedule) == sorted(set(schedule))


def _is_window(window: tuple) -> bool:
    numbers = len(window) == 2 and all(isinstance(value, int | float) for value in window)
    return numbers and window[1] > 0
