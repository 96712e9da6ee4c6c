"""The shape of a recipe: frozen dataclasses, and the rules for changing one setting."""

import ast
import dataclasses
import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field

from covid_keras.utils.errors import InputError

Sides = int | tuple[int, int]
"""The side of a square, or height and width, in pixels."""


@dataclass(frozen=True)
class Data:
    """Which records are used and how they are split."""

    dataset: str
    """A name from `covid-keras data list`."""
    split: str = "default"
    """default (the split that comes with the data, else the data set's rule), official, holdout
    (10 % val, 20 % test), kfold or source (one source is the test split)."""
    folds: int = 5
    """Number of folds, for kfold."""
    fold: int = 0
    """The fold that is the test split, for kfold."""
    source: str = ""
    """The source that is left out of training and tested on, for source."""
    group: str = "patient"
    """What stays together in a drawn split: patient, where ids are known, or image (every image by
    itself, as most papers drew their splits)."""
    positive: str = ""
    """The class that is told from all others, which become "other"; empty keeps all classes."""
    per_class: int = 0
    """Training images a class; 0 means all."""
    balance: bool = False
    """Whether every training batch has the same number of images of each class."""
    cache: str = ""
    """Folder for decoded slices, so that later epochs need not decode; empty for none."""


@dataclass(frozen=True)
class Input:
    """Geometry, on the host, the same code in training, inference and export."""

    resize: Sides = 0
    """What training images are resized to before the random crop; 0 is 16/15 of the crop."""
    crop: Sides = 0
    """The random crop, and every image at inference: the network's input. 0 is the size that the
    network's row gives, times `scale`."""
    scale: float = 1.0
    box: str = "annotated"
    """annotated (its box, else an automatic body crop), body (always automatic) or none."""
    fit: str = "stretch"
    """stretch (to these sides) or canvas (keeps the aspect ratio, pads with black)."""
    window: tuple[float, float] = (-600.0, 1500.0)
    """Centre and width of the grey window, in Hounsfield units, for CT read from DICOM."""


@dataclass(frozen=True)
class Augmentation:
    """Drawn on the accelerator, in training only."""

    flip: bool
    """Mirror half of the images left to right."""
    mixup: float
    """alpha of mixup's Beta(alpha, alpha), one draw a batch; 0 turns mixup off."""
    rotation: float = 0.0
    """Largest angle in degrees, to both sides."""
    zoom: float = 0.0
    """Largest relative change of size, to both sides."""
    shift: float = 0.0
    """Largest shift as a share of the side, to both sides, along both axes."""
    blur: float = 0.0
    """Probability of a Gaussian blur."""
    noise: float = 0.0
    """Largest standard deviation of added noise, in grey levels."""
    brightness: float = 0.0
    """Largest change as a share of the grey scale, to both sides."""
    contrast: float = 0.0
    """Largest relative change around the image's mean, to both sides."""


@dataclass(frozen=True)
class Model:
    """Backbone, head and first weights."""

    name: str
    """A name from `covid-keras models`."""
    weights: str = ""
    """A name that the network knows, a local file, or empty for random."""
    head: str = "linear"
    """linear (pooling and one dense layer), dense (with another dense layer and batch norm) or
    original (the network's published classifier)."""
    dropout: float = 0.0
    """Rate in the head, before the outputs."""
    freeze: str = ""
    """What keeps its first weights: empty, stem, stage1, stage2, ... or backbone."""
    activation: str = "softmax"
    """softmax (one output a class) or sigmoid (one output, for two classes)."""
    preprocessing: str = ""
    """tf, torch, caffe, caffe-whole or unit; empty is what the first weights expect."""


@dataclass(frozen=True)
class Training:
    """Optimiser, schedule and the loop's rhythm."""

    batch: int
    steps: int
    """Optimiser steps in all. When it differs from the last knee, the schedule is stretched."""
    schedule: tuple[int, ...]
    """End of warm-up, the decays by ten, end of training, in steps. With `rates`: where each
    rate begins, and the end, in any unit."""
    learning_rate: float
    eval_every: int
    """Steps between evaluations on val; each writes a checkpoint. 0 is once an epoch."""
    optimizer: str = "sgd"
    """sgd, adam or lamb."""
    momentum: float = 0.0
    """Of sgd."""
    weight_decay: float = 0.0
    """Of lamb, inside its trust ratio."""
    rates: tuple[float, ...] = ()
    """Learning rates, each from its knee of the schedule on; empty for the decays by ten."""
    epochs: int = 0
    """Where more than 0, `steps` follows from it and the number of training images."""
    precision: str = "float32"
    """float32, mixed_bfloat16 or mixed_float16."""
    jit: str = "auto"
    """auto (XLA on a GPU only), on or off."""
    steps_per_execution: int = 1
    gradcam: int = 1
    """Grad-CAM panels of val images: 0 never, 1 after every evaluation."""
    tensorboard: bool = False

    @property
    def knees(self) -> tuple[int, ...]:
        """The schedule, stretched to `steps`."""
        return stretched(self.schedule, self.steps)


@dataclass(frozen=True)
class Recipe:
    """Everything that a run depends on, beside the data themselves."""

    name: str
    title: str
    """What it reproduces, in one line."""
    citation: str
    data: Data
    input: Input
    augmentation: Augmentation
    model: Model
    training: Training
    quick: Mapping[str, object] = field(default_factory=dict)
    """Settings that scale the recipe to two cores without a GPU."""
    phantom: Mapping[str, object] = field(default_factory=dict)
    """Settings that fit the recipe to the built-in phantom."""
    variants: tuple[Mapping[str, object], ...] = ()
    """Settings of the paper's other networks; any one of them is the recipe as published."""
    scaled: bool = False
    """Whether `quick` was applied; stamped on every output."""
    changes: tuple[str, ...] = ()
    """Settings that differ from the recipe as published, as "training.steps=240, not 10000"."""
    seed: int = 0


SIDES = ("input.resize", "input.crop")
"""Settings that take one side or two."""

NOT_METHOD = ("model.weights", "model.preprocessing")
"""Settings that say what is started from, not how; a run names them by themselves."""


MARGIN = 512 / 480
"""How much larger than the crop images are made first: protocol A's 512 to 480."""


def sized(recipe: Recipe, input_size: tuple[int, int]) -> Recipe:
    """The recipe with its sides in pixels, for a network whose row says `input_size`."""
    given = recipe.input
    crop = given.crop or tuple(round(given.scale * side) for side in input_size)
    resize = given.resize or tuple(round(MARGIN * side) for side in height_width(crop))
    return dataclasses.replace(recipe, input=dataclasses.replace(given, resize=resize, crop=crop))


def settled(recipe: Recipe, images: int) -> Recipe:
    """The recipe with its steps counted out for a training split of so many images."""
    training = recipe.training
    epoch = -(-images // training.batch)
    steps = training.epochs * epoch if training.epochs else training.steps
    training = dataclasses.replace(
        training, steps=steps, eval_every=min(steps, training.eval_every or epoch)
    )
    return dataclasses.replace(recipe, training=training)


def height_width(sides: Sides) -> tuple[int, int]:
    """Height and width in pixels."""
    return (sides, sides) if isinstance(sides, int) else sides


def stretched(schedule: tuple[int, ...], steps: int) -> tuple[int, ...]:
    """The schedule with every knee moved in proportion, so that it ends at `steps`."""
    return tuple(round(knee * steps / schedule[-1]) for knee in schedule)


def settings(recipe: Recipe) -> dict[str, object]:
    """All settings that `--set` reaches, as {"training.batch": 64, ...}."""
    return {
        f"{section.name}.{setting.name}": getattr(getattr(recipe, section.name), setting.name)
        for section in dataclasses.fields(recipe)
        if dataclasses.is_dataclass(getattr(recipe, section.name))
        for setting in dataclasses.fields(getattr(recipe, section.name))
    }


def override(recipe: Recipe, changes: Mapping[str, object]) -> Recipe:
    """The recipe with `changes`, {"training.batch": 32} or, from the command line, {... : "32"}.

    Raises:
        InputError: an unknown key (the near misses are named) or a value of another type.
    """
    known = settings(recipe)
    for key, value in changes.items():
        if key not in known:
            raise InputError(_unknown_key(key, known))
        section, name = key.split(".")
        value = _converted(key, value, known[key])
        part = dataclasses.replace(getattr(recipe, section), **{name: value})
        recipe = dataclasses.replace(recipe, **{section: part})
    return recipe


def differences(recipe: Recipe, published: Recipe) -> tuple[str, ...]:
    """What of the method differs, as "training.steps=240, not 10000"; a network that the paper
    names is no difference."""
    after = settings(recipe)
    same = (v for v in published.variants if all(after[key] == v[key] for key in v))
    before = settings(override(published, next(same, {})))
    return tuple(
        f"{key}={after[key]}, not {before[key] if before[key] != '' else 'set'}"
        for key in after
        if after[key] != before[key] and key not in NOT_METHOD and not key.startswith("data.")
    )


def parse_assignments(assignments: list[str]) -> dict[str, str]:
    """["a.b=1"] to {"a.b": "1"}. Raises InputError where there is no "="."""
    pairs = {}
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        if not equals:
            raise InputError(f"--set {assignment}: expected key=value. Received: {assignment!r}")
        pairs[key.strip()] = value.strip()
    return pairs


def to_json(recipe: Recipe) -> dict:
    """The recipe as plain JSON values; `from_json` is its inverse."""
    return dataclasses.asdict(recipe)


def from_json(values: dict, where: str = "recipe") -> Recipe:
    """Rebuild a recipe from `to_json`. Raises InputError naming `where` if it does not fit."""
    sections = {"data": Data, "input": Input, "augmentation": Augmentation}
    sections |= {"model": Model, "training": Training}
    try:
        parts = {
            name: kind(**{k: _tuple(v) for k, v in values[name].items()})
            for name, kind in sections.items()
        }
        rest = {k: _tuple(v) for k, v in values.items() if k not in sections}
        return Recipe(**parts, **rest)
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{where}: not a recipe of this version: {error}") from None


def _tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _sides(key: str, value: object) -> Sides:
    numbers = list(value) if isinstance(value, list | tuple) else [value]
    if len(numbers) > 2 or any(type(number) is not int for number in numbers):
        raise InputError(
            f"--set {key}: expected a side, or (height, width), in pixels. Received: {value!r}"
        )
    return tuple(numbers) if len(numbers) == 2 else numbers[0]


def _unknown_key(key: str, known: Mapping[str, object]) -> str:
    near = difflib.get_close_matches(key, known, n=3, cutoff=0.5)
    near += [k for k in known if k.split(".")[1] == key.split(".")[-1] and k not in near]
    hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(known)}"
    return f"--set {key}: unknown setting; {hint}"


def _converted(key: str, value: object, current: object) -> object:
    """`value` in the type of `current`; command-line strings are parsed."""
    kind = type(current)
    parsed = value
    if isinstance(value, str) and kind is not str:
        try:
            parsed = ast.literal_eval(value.replace("true", "True").replace("false", "False"))
        except (ValueError, SyntaxError):
            parsed = value
    if kind is tuple and isinstance(parsed, list | tuple):
        return tuple(parsed)
    if key in SIDES:
        return _sides(key, parsed)
    if kind is float and isinstance(parsed, int) and not isinstance(parsed, bool):
        return float(parsed)
    if type(parsed) is not kind:
        raise InputError(
            f"--set {key}: expected {kind.__name__}, as {current!r}. Received: {value!r}"
        )
    return parsed
