"""The networks of papers B and D that keras.applications has, as flat graphs with fixed names.

The graph is keras.applications' own, layer by layer, so its numbers are equal bit for bit. Layers
that Keras numbers itself (all of InceptionV3, the shortcuts of Xception) are called as in a fresh
session, "conv2d", "conv2d_1", ..., however many networks were built before in the same one.

The ResNets are Keras' too, which are not torchvision's: their convolutions have biases, and the
stride of a block is on its first 1x1 convolution. PyTorch files load into the DenseNets only.
"""

import functools
import re
from collections import Counter, defaultdict

import keras
from keras import layers

from covid_keras.models import heads
from covid_keras.models.batchnorm import BatchNormalization
from covid_keras.models.weights.layout import (
    TORCH_WEIGHTS,
    Layout,
    Slot,
    torch_axes,
    torch_canonical,
)
from covid_keras.utils.errors import InputError

BUILDERS = {
    "resnet50": "ResNet50",
    "resnet101": "ResNet101",
    "inception_v3": "InceptionV3",
    "xception": "Xception",
    "densenet121": "DenseNet121",
    "densenet169": "DenseNet169",
    "densenet201": "DenseNet201",
}
"""Names in keras.applications."""

SMALLEST = {"inception_v3": 75, "xception": 7} | {f"densenet{n}": 29 for n in (121, 169, 201)}
"""Smallest sides in pixels that leave a feature map of 1x1; the ResNets take any.

keras.applications asks for 32 (71 for Xception), also where its graph takes less.
"""


def backbone(name: str, input_shape: tuple[int | None, int | None, int]) -> keras.Model:
    """The network `name` of `BUILDERS`, without its classifier.

    Input: (B, H, W, 3), normalised as the row's `preprocessing` says. Output: the layer
    "features", (B, h, w, C), about a 32nd of the input's sides.

    Raises:
        InputError: a side smaller than `SMALLEST`.
    """
    return flat(name, input_shape, last="features")


def flat(name: str, input_shape: tuple[int | None, int | None, int], last: str) -> keras.Model:
    """As `backbone`, with another name for the last layer."""
    smallest = SMALLEST.get(name, 1)
    if any(side is not None and side < smallest for side in input_shape[:2]):
        raise InputError(
            f"{name}: expected images of {smallest}x{smallest} pixels or more. "
            f"Received: input_shape={tuple(input_shape)}"
        )
    original = _original(name)
    names = _fresh_names(original) | {original.layers[-1].name: last}

    def renamed(layer: layers.Layer) -> layers.Layer:
        kind = _FASTER.get(type(layer), type(layer))
        return kind.from_config({**layer.get_config(), "name": names[layer.name]})

    image = keras.Input(input_shape, name="image")
    copy = keras.models.clone_model(original, input_tensors=image, clone_function=renamed)
    return keras.Model(image, copy.output, name=name)


def original_head(
    features: keras.KerasTensor, classes: int, activation: str | None, dropout: float
) -> keras.KerasTensor:
    """The published classifier: global average pooling and one dense layer, (B, classes).

    As `heads.linear`, but with Keras' first weights where no file gives others.
    """
    x = heads.pooled(features)
    if dropout:
        x = layers.Dropout(dropout, name="head.dropout", dtype="float32")(x)
    return layers.Dense(classes, activation, name="head", dtype="float32")(x)


def h5_name(slot: Slot) -> str:
    """The tensor's name in Keras' .h5 files, as "conv1_conv/0"; the classifier is "predictions"."""
    layer = "predictions" if slot.layer.name == "head" else slot.layer.name
    return f"{layer}/{slot.index}"


def h5_canonical(name: str) -> str:
    """A name that `weights.h5.read_h5` found, in today's spelling.

    Published DenseNets have "conv1/conv" for "conv1_conv", and "fc1000" as their classifier;
    ResNets "probs". The published Xception was written before its layers had names.
    """
    layer, _, index = name.rpartition("/")
    layer = layer.replace("/", "_")
    if numbered := re.fullmatch(r"(\w+) (\d+) of (\d+)", layer):
        kind, place, count = numbered[1], int(numbered[2]), int(numbered[3])
        network = _NUMBERED.get((kind, count))
        layer = _in_order(network)[kind, count][place - 1] if network else layer
    return f"{'predictions' if layer in ('fc1000', 'probs') else layer}/{index}"


def torch_name(slot: Slot) -> str:
    """torchvision's name, as "features.denseblock1.denselayer1.norm1.weight", in a DenseNet."""
    return f"{_torch_layer(slot.layer.name)}.{TORCH_WEIGHTS.get(slot.weight, slot.weight)}"


def densenet_canonical(name: str) -> str | None:
    """A name found in a PyTorch file, in today's spelling ("norm.1" is the published files')."""
    name = re.sub(r"(\.denselayer\d+\.(?:norm|conv))\.([12])\.", r"\1\2.", name)
    return torch_canonical(name)


def torch_refusal(name: str) -> str | None:
    """Why torchvision's ResNets are refused; None for a name that is not of one."""
    if not re.match(r"layer[1-4]\.\d+\.", name):
        return None
    return (
        f"{name} is of torchvision's ResNet or ResNeXt; the ResNets here are "
        "keras.applications', with biases and the stride on the first 1x1 convolution"
    )


LAYOUTS = {
    "h5": Layout(
        name=h5_name,
        canonical=h5_canonical,
        is_head=lambda name: name.startswith("predictions/"),
    ),
    "torch": Layout(
        name=torch_name,
        axes=torch_axes,
        canonical=densenet_canonical,
        is_head=lambda name: name.startswith("classifier."),
        refusal=torch_refusal,
    ),
}

_FASTER = {layers.BatchNormalization: BatchNormalization}
"""Layers of Keras that are replaced, with the same numbers."""

_TORCH_PARTS = {"0_bn": "norm1", "1_conv": "conv1", "1_bn": "norm2", "2_conv": "conv2"}
_TORCH_LAYERS = {
    "conv1_conv": "features.conv0",
    "conv1_bn": "features.norm0",
    "bn": "features.norm5",
    "head": "classifier",
}

_KINDS = {
    layers.Conv2D: "conv2d",
    layers.SeparableConv2D: "separable_conv2d",
    layers.BatchNormalization: "batch_normalization",
}

_NUMBERED = {
    ("conv2d", 94): "inception_v3",
    ("batch_normalization", 94): "inception_v3",
    ("conv2d", 4): "xception",
    ("batch_normalization", 4): "xception",
    ("conv2d", 6): "xception",
    ("separable_conv2d", 34): "xception",
    ("batch_normalization", 40): "xception",
}
"""Whose file it is that has so many layers of a kind without names. All of Xception's are in the
published file, which is older than their names; only the shortcuts' in those that Keras writes."""


def _torch_layer(layer: str) -> str:
    """Keras' conv<block + 1>_block<layer> is torchvision's denseblock<block>.denselayer<layer>."""
    if dense := re.fullmatch(r"conv(\d)_block(\d+)_(\d_\w+)", layer):
        place = f"features.denseblock{int(dense[1]) - 1}.denselayer{dense[2]}"
        return f"{place}.{_TORCH_PARTS.get(dense[3], dense[3])}"
    if transition := re.fullmatch(r"pool(\d)_(bn|conv)", layer):
        part = {"bn": "norm", "conv": "conv"}[transition[2]]
        return f"features.transition{int(transition[1]) - 1}.{part}"
    return _TORCH_LAYERS.get(layer, layer)


def _original(name: str) -> keras.Model:
    """keras.applications' graph, with variables that take no memory.

    Keras gives them their first values after all where a later `StatelessScope` ends while the
    graph still lives, as at the first step under JAX; this lasts until the graph is let go.
    """
    with keras.StatelessScope(initialize_variables=False):
        return getattr(keras.applications, BUILDERS[name])(include_top=False, weights=None)


def _automatic(layer: layers.Layer) -> tuple[str, int] | None:
    """The parts of a name that Keras gave, ("conv2d", 17) of "conv2d_17"; None of another name."""
    stem, number = re.fullmatch(r"(.+?)(?:_(\d+))?", layer.name).groups()
    given = stem.replace("_", "") == type(layer).__name__.lower()
    return (stem, int(number or 0)) if given else None


def _fresh_names(model: keras.Model) -> dict[str, str]:
    """The names of the layers to those they have in a fresh session."""
    names = {layer.name: layer.name for layer in model.layers}
    automatic = {layer.name: parts for layer in model.layers if (parts := _automatic(layer))}
    counts = Counter()
    for name, (stem, _) in sorted(automatic.items(), key=lambda item: item[1]):
        names[name] = f"{stem}_{counts[stem]}" if counts[stem] else stem
        counts[stem] += 1
    return names


@functools.cache
def _in_order(name: str) -> dict[tuple[str, int], list[str]]:
    """By kind and number of layers: the names of all layers of the kind with weights, and of
    those alone that Keras numbers, in the order in which Keras writes them to a file."""
    original = _original(name)
    names = _fresh_names(original)
    every, numbered = defaultdict(list), defaultdict(list)
    for layer in original.layers:
        if layer.weights:
            kind = _KINDS[type(layer)]
            every[kind].append(names[layer.name])
            if _automatic(layer):
                numbered[kind].append(names[layer.name])
    found = [(kind, group) for groups in (every, numbered) for kind, group in groups.items()]
    return {(kind, len(group)): group for kind, group in found}
