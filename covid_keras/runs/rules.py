"""The rules of a recipe's settings: for one that is to run, and for one that is read again."""

from collections.abc import Callable
from operator import gt

from covid_keras.models import registry
from covid_keras.models.network import PREPROCESSING
from covid_keras.recipes.config import Recipe, Sides, check_seeds, height_width
from covid_keras.recipes.settings import LARGEST_SIDE, SIDES, all_settings
from covid_keras.runs.map_methods import METHODS
from covid_keras.utils.errors import InputError

Rule = tuple[str, Callable[[object], bool]]
"""What is expected, in words, and whether a value fits."""


def one_of(*choices: str) -> Rule:
    """Return the rule that a value is one of these; "" is not named in the message."""
    *others, last = [choice for choice in choices if choice]
    return f"{', '.join(others)} or {last}" if others else last, lambda value: value in choices


def at_least(least: float) -> Rule:
    """Return the rule that a value is not below `least`."""
    return f"{least} or more", lambda value: value >= least


def _ascends(schedule: tuple) -> bool:
    steps = len(schedule) >= 2 and all(type(step) is int for step in schedule)
    return steps and schedule[0] >= 0 and list(schedule) == sorted(set(schedule))


def _is_window(window: tuple) -> bool:
    numbers = len(window) == 2 and all(isinstance(value, int | float) for value in window)
    return numbers and window[1] > 0


def _are_levels(levels: tuple) -> bool:
    numbers = len(levels) == 2 and all(type(value) is int for value in levels)
    return numbers and -65536 <= levels[0] < levels[1] <= 2 * 65536


def _are_sides(sides: Sides) -> bool:
    return min(height_width(sides)) >= 1 and max(height_width(sides)) <= LARGEST_SIDE


POSITIVE: Rule = "more than 0", lambda value: value > 0
BELOW_ONE: Rule = "0 or more, less than 1", lambda value: 0 <= value < 1
SHARE: Rule = "0 to 1", lambda value: 0 <= value <= 1
RULES: dict[str, Rule] = {
    "data.group": one_of("patient", "image"),
    "data.val": ("0 to 0.5", lambda value: 0 <= value <= 0.5),
    "input.box": one_of("annotated", "body", "none"),
    "input.fit": one_of("stretch", "canvas"),
    "input.scale": POSITIVE,
    "input.window": ("a centre and a positive width in HU", _is_window),
    "input.levels": ("two whole numbers of -65536 to 131072, the lower first", _are_levels),
    "model.head": one_of("linear", "dense", "original"),
    "model.activation": one_of("softmax", "sigmoid"),
    "model.preprocessing": one_of("", *PREPROCESSING),
    "model.dropout": BELOW_ONE,
    "training.keep": one_of("best", "last"),
    "training.criterion": one_of("loss", "accuracy", "balanced_accuracy", "auc"),
    "training.optimizer": one_of("sgd", "adam", "lamb"),
    "training.precision": one_of("float32", "mixed_bfloat16", "mixed_float16"),
    "training.jit": one_of("auto", "on", "off"),
    "training.learning_rate": POSITIVE,
    "training.momentum": BELOW_ONE,
    "training.schedule": ("two or more rising steps", _ascends),
    "training.batch": at_least(1),
    "training.steps_per_execution": at_least(1),
    "data.per_class": at_least(0),
    **{f"augmentation.{name}": at_least(0) for name in ("mixup", "rotation", "noise")},
    **{f"augmentation.{n}": SHARE for n in ("zoom", "shift", "blur", "brightness", "contrast")},
    "training.map_method": one_of(*METHODS),
    **{f"training.{n}": at_least(0) for n in ("steps", "epochs", "eval_every", "weight_decay")},
    "training.gradcam": at_least(0),
    **{key: (f"1 to {LARGEST_SIDE}", _are_sides) for key in SIDES},
}


def check_settings(recipe: Recipe) -> None:
    """Check each setting, and those that depend on each other.

    Raises:
        InputError: the setting, what was expected and what was received.
    """
    values = all_settings(recipe)
    network = registry.get(recipe.model.name)
    rules = RULES | {"model.freeze": one_of(*network.freezes)}
    check_seeds((recipe.seed, recipe.data.seed))
    for key, (expected, fits) in rules.items():
        if not fits(values[key]):
            raise InputError(f"{key}: expected {expected}. Received: {values[key]!r}")
    training = recipe.training
    resize, crop = recipe.input.resize, recipe.input.crop
    if min(height_width(crop)) < network.smallest:
        raise InputError(
            f"input.crop: expected {network.smallest} pixels or more for {network.name}."
            f" Received: {crop}"
        )
    if any(map(gt, height_width(crop), height_width(resize))):
        raise InputError(
            "crop larger than resize: expected"
            f" input.crop <= input.resize={resize}. Received: input.crop={crop}"
        )
    if len(training.rates) == 1:
        raise InputError(
            "training.rates: expected two or more; training.learning_rate holds for all steps."
            f" Received: {training.rates}"
        )
    if training.rates and len(training.rates) != len(training.schedule) - 1:
        raise InputError(
            f"training.rates: expected {len(training.schedule) - 1} rates for the knees"
            f" {training.schedule}. Received: {training.rates}"
        )
