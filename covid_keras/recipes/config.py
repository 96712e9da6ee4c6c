"""The parts of a recipe, as frozen dataclasses, and their JSON.

docs/reference/settings.md explains every setting at length.
"""

import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import UnionType
from typing import get_args, get_origin, get_type_hints

from covid_keras.utils.errors import InputError

Sides = int | tuple[int, int]
"""The side of a square, or height and width, in pixels."""
MARGIN = 512 / 480
"""Default ratio of `input.resize` to `input.crop`: protocol A's 512 to 480."""


@dataclass(frozen=True)
class Data:
    """The data set and its split."""

    dataset: str
    """Name of the data set, see `covid-keras data list`."""
    split: str = "default"
    """default (its own split, else the data set's rule), official, holdout, kfold or source."""
    folds: int = 5
    """Number of folds, for kfold."""
    fold: int = 0
    """The fold used as test split, for kfold."""
    source: str = ""
    """The source used as test split, for source."""
    group: str = "patient"
    """What a drawn split keeps together: patient, or image (stamped on the outputs)."""
    seed: int = 0
    """Seed of a drawn split, so that runs with other seeds share it."""
    val: float = 0.1
    """Share of the images that a drawn split holds out as val; 0 for none."""
    positive: str = ""
    """The positive class, the last output; empty is the data set's, or the one its name says."""
    versus_rest: str = ""
    """Train this class, as the positive one, against all others, merged into OTHER."""
    per_class: int = 0
    """Training images per class; 0 uses all."""
    balance: bool = False
    """Whether every training batch holds the same number of images of each class."""
    outside: bool = False
    """Whether images may lie outside of the data set's folder, as in read-only archives."""
    cache: str = ""
    """Folder for decoded images, so that later epochs need not decode; empty for none."""


@dataclass(frozen=True)
class Input:
    """Cropping and resizing, the same in training, inference and export."""

    resize: Sides = 0
    """Size of training images before the random crop; 0 is 16/15 of the crop."""
    crop: Sides = 0
    """The network's input size; 0 is the size in the network's row, times `scale`."""
    scale: float = 1.0
    """Factor on the size in the network's row, if `crop` is 0."""
    box: str = "annotated"
    """annotated (crop to the image's box, else to the body), body (found automatically) or none."""
    fit: str = "stretch"
    """stretch (resize to the size) or canvas (keep the aspect ratio, pad with black)."""
    window: tuple[float, float] = (-600.0, 1500.0)
    """Centre and width of the grey window, in Hounsfield units, for CT read from DICOM."""
    levels: tuple[int, int] = (0, 65535)
    """The values that become black and white, for PNG of 16 bits; other files are grey levels."""

    def geometry(self, size: Sides) -> dict:
        """Return the arguments of `pipeline.samples.Samples` for samples of this size."""
        shape, names = height_width(size), ("fit", "window", "levels")
        return {"shape": shape, "crop_to": self.box} | {n: getattr(self, n) for n in names}


@dataclass(frozen=True)
class Augmentation:
    """Random changes of training images, drawn on the device."""

    flip: bool
    """Whether to mirror half of the images left to right."""
    mixup: float
    """alpha of mixup's Beta(alpha, alpha), one draw per batch; 0 turns mixup off."""
    rotation: float = 0.0
    """Largest angle in degrees, in both directions."""
    zoom: float = 0.0
    """Largest relative change of size, in both directions."""
    shift: float = 0.0
    """Largest shift as a fraction of the side, in both directions, along both axes."""
    blur: float = 0.0
    """Probability of a Gaussian blur of 0.5 to 2 pixels."""
    noise: float = 0.0
    """Largest standard deviation of added noise, in grey levels."""
    brightness: float = 0.0
    """Largest change as a fraction of the grey scale, in both directions."""
    contrast: float = 0.0
    """Largest relative change around the image's mean, in both directions."""


@dataclass(frozen=True)
class Model:
    """Backbone, head and initial weights."""

    name: str
    """Name of the network, see `covid-keras models`."""
    weights: str = "random"
    """A name that the network knows, a local file, or random."""
    head: str = "linear"
    """linear (one dense layer), dense (two, with batch norm) or original (as published)."""
    dropout: float = 0.0
    """Dropout rate in front of the output layer."""
    freeze: str = ""
    """What is not trained: nothing (empty), all up to stem, stage1, stage2, ..., or backbone."""
    activation: str = "softmax"
    """softmax (one output per class) or sigmoid (one output, for two classes)."""
    preprocessing: str = ""
    """tf, torch, caffe, caffe-whole or unit; empty is what the initial weights expect."""


@dataclass(frozen=True, kw_only=True)
class Training:
    """Optimizer, learning rate schedule and evaluation interval."""

    batch: int
    """Images per step."""
    steps: int = 0
    """Optimizer steps in all; the schedule is stretched to end here."""
    schedule: tuple[int, ...]
    """Steps of warm-up's end, decays by ten, end; with `rates`: where each begins, and the end."""
    learning_rate: float
    """Learning rate after warm-up."""
    eval_every: int = 0
    """Steps between evaluations on val; each writes a checkpoint. 0 is once per epoch."""
    keep: str = "best"
    """Which weights are kept and tested: best (on val) or last (of the last step)."""
    criterion: str = "accuracy"
    """What is best on val: loss, accuracy, balanced_accuracy or auc; the lowest loss of equals."""
    optimizer: str = "sgd"
    """sgd, adam or lamb (as in tensorflow-addons, with the decay inside the trust ratio)."""
    momentum: float = 0.0
    """Momentum of sgd."""
    weight_decay: float = 0.0
    """Weight decay of lamb."""
    rates: tuple[float, ...] = ()
    """Learning rates, each from its knee of the schedule on; empty for the decays by ten."""
    epochs: int = 0
    """Passes over the training images; if more than 0, it determines `steps`."""
    precision: str = "float32"
    """float32, mixed_bfloat16 or mixed_float16."""
    jit: str = "auto"
    """XLA: auto (on a GPU, and always on JAX), on or off."""
    steps_per_execution: int = 1
    """Steps per call of the compiled function."""
    gradcam: int = 1
    """Evaluations between maps of val images, which are drawn after the last one too; 0: none."""
    map_method: str = "gradcam"
    """Method of these maps: gradcam or another one of `explain`."""
    tensorboard: bool = False
    """Whether to write TensorBoard files; needs the extra tensorboard."""

    @property
    def best_by(self) -> str:
        """The criterion of the best weights; "" where the last ones are kept."""
        return self.criterion if self.keep == "best" else ""

    @property
    def knees(self) -> tuple[int, ...]:
        """The schedule, stretched to `steps`."""
        return stretched(self.schedule, self.steps)


@dataclass(frozen=True)
class Recipe:
    """All that a run depends on, except the data themselves."""

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
    """Settings that shrink the recipe for a CPU."""
    phantom: Mapping[str, object] = field(default_factory=dict)
    """Settings that fit the recipe to the built-in phantom."""
    phantom_quick: Mapping[str, object] = field(default_factory=dict)
    """Settings of the first run: `quick`, on the phantom, without weights of one's own."""
    variants: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """{the paper's name of a network: its settings}; each is the recipe as published."""
    other_datasets: tuple[str, ...] = ()
    """The paper's other data sets; each is the recipe as published."""
    tsne: str = ""
    """Images whose features are drawn: test, all (train and val count as one split, and each class
    of each split has a colour), or empty: train and test, a colour for each class."""
    as_published: Mapping[str, object] = field(default_factory=dict)
    """Settings of `--as-published`: where our choice differs from the paper's, the paper's."""
    scaled: bool = False
    """Whether `quick` was applied; stamped on every output."""
    changes: tuple[str, ...] = ()
    """Settings that differ: "training.steps=240 (paper: 10000)", of own data "(recipe: 10000)"."""
    seed: int = 0


SECTIONS = {part.__name__.lower(): part for part in (Data, Input, Augmentation, Model, Training)}
"""The dataclass of each section of a recipe."""


LARGEST_SEED = 2**32 - 1
"""Of NumPy's and Keras' generators."""


def check_seeds(seeds: Iterable[int]) -> None:
    """Raise InputError unless every seed is from 0 to `LARGEST_SEED`."""
    for seed in seeds:
        if not 0 <= seed <= LARGEST_SEED:
            raise InputError(f"seed: expected 0 or more, at most {LARGEST_SEED}. Received: {seed}")


def sized(recipe: Recipe, input_size: tuple[int, int]) -> Recipe:
    """Return the recipe with its sides in pixels, for a network whose row says `input_size`."""
    given = recipe.input
    crop = given.crop or tuple(round(given.scale * side) for side in input_size)
    resize = given.resize or tuple(round(MARGIN * side) for side in height_width(crop))
    return dataclasses.replace(recipe, input=dataclasses.replace(given, resize=resize, crop=crop))


def settled(recipe: Recipe, images: int) -> Recipe:
    """Return the recipe with its number of steps, for a training split of `images` images."""
    training = recipe.training
    epoch = -(-images // training.batch)
    steps = training.epochs * epoch if training.epochs else training.steps
    every = min(steps, training.eval_every or epoch)
    training = dataclasses.replace(training, steps=steps, eval_every=every)
    return dataclasses.replace(recipe, training=training)


def height_width(sides: Sides) -> tuple[int, int]:
    """Return height and width in pixels."""
    return (sides, sides) if isinstance(sides, int) else sides


def stretched(schedule: tuple[int, ...], steps: int) -> tuple[int, ...]:
    """Return the schedule with every knee moved in proportion, so that it ends at `steps`."""
    return tuple(round(knee * steps / schedule[-1]) for knee in schedule)


def stretches(steps: int, every: int, start: int) -> list[tuple[int, int, int]]:
    """Return the ranges of steps with equal evaluations: (first step, end, steps per evaluation).

    First the whole multiples of `every` from step `start` on, then the remainder.
    """
    whole = steps - steps % every
    parts = [(start, whole, every), (max(start, whole), steps, steps - whole)]
    return [(first, end, length) for first, end, length in parts if first < end]


def to_json(recipe: Recipe) -> dict:
    """Return the recipe as plain JSON values; `from_json` is its inverse."""
    return dataclasses.asdict(recipe)


def from_json(values: dict, where: str = "recipe") -> Recipe:
    """Rebuild a recipe from `to_json`. Raises InputError, naming `where`, if it does not fit."""
    try:
        parts = {name: part(**_tuples(values[name])) for name, part in SECTIONS.items()}
        recipe = Recipe(**_tuples(values) | parts)
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{where}: not a recipe of this version: {error}") from None
    for name, part in {"": recipe, **parts}.items():
        for key, kind in get_type_hints(type(part)).items():
            if not _fits(value := getattr(part, key), kind):
                name = f"{name}.{key}".lstrip(".")
                kind = getattr(kind, "__name__", kind) if not get_args(kind) else kind
                raise InputError(f"{where}: {name}: expected {kind}. Received: {value!r}")
    return recipe


def _fits(value: object, kind: object) -> bool:
    """Return whether a value is of a field's type; numbers are finite."""
    parts = get_args(kind)
    if isinstance(kind, UnionType):
        return any(_fits(value, part) for part in parts)
    if get_origin(kind) is tuple:
        every = parts[-1] is Ellipsis or (isinstance(value, tuple) and len(value) == len(parts))
        return every and isinstance(value, tuple) and all(_fits(each, parts[0]) for each in value)
    if kind is float:
        return type(value) in (int, float) and math.isfinite(value)
    return (
        isinstance(value, dict)
        if get_origin(kind) is Mapping
        else isinstance(value, kind) and (type(value) is not bool or kind is bool)
    )


def _tuples(values: dict) -> dict:
    return {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}
