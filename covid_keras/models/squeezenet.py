"""SqueezeNet 1.0 and 1.1 (Iandola et al. 2016, arXiv:1602.07360).

Follows torchvision.models.squeezenet, which pools as Caffe does: a last window that only partly
covers the map counts. Layers are called by its module paths, as "features.3.squeeze"; the
concatenation that ends a fire module has the module's own path.
"""

from collections.abc import Mapping

import keras
from keras import layers

from covid_keras.models.torch_blocks import layout
from covid_keras.models.weights.layout import Layout, Slot, torch_axes

POOL = 0
SIZES: dict[str, tuple[int, int, tuple[int, ...]]] = {
    "squeezenet": (96, 7, (POOL, 16, 16, 32, POOL, 32, 48, 48, 64, POOL, 64)),
    "squeezenet1_1": (64, 3, (POOL, 16, 16, POOL, 32, 32, POOL, 48, 48, 64, 64)),
}
"""Filters and side of the first convolution; then the squeezed channels of each fire module."""


def backbone(name: str, input_shape: tuple[int | None, int | None, int]) -> keras.Model:
    """The network `name` of `SIZES` up to its last fire module.

    Input: (B, H, W, 3), normalised as its weights say. Output: the layer "features",
    (B, h, w, 512) with h = w = 13 for 224 x 224 images.
    """
    inputs = keras.Input(input_shape, name="image")
    return keras.Model(inputs, squeezenet(inputs, *SIZES[name]), name=name)


def squeezenet(x, filters: int, kernel_size: int, modules: tuple[int, ...]):
    """The graph from the input tensor `x` (B, H, W, C) to the features."""
    x = conv(x, filters, kernel_size, "features.0", strides=2)
    for index, squeezed in enumerate(modules, start=2):
        name = f"features.{index}"
        if squeezed == POOL:
            x = max_pool(x, name)
        else:
            x = fire(x, squeezed, name, "features" if index == len(modules) + 1 else name)
    return x


def fire(x, squeezed: int, name: str, end: str):
    """1x1 to few channels, then 1x1 beside 3x3: (B, H, W, C) to (B, H, W, 8 * squeezed)."""
    x = conv(x, squeezed, 1, f"{name}.squeeze")
    small = conv(x, 4 * squeezed, 1, f"{name}.expand1x1")
    large = conv(x, 4 * squeezed, 3, f"{name}.expand3x3")
    return layers.Concatenate(name=end)([small, large])


def conv(x, filters: int, kernel_size: int, name: str, strides: int = 1):
    """A convolution with bias, and ReLU; with a stride it has no padding."""
    x = layers.Conv2D(
        filters,
        kernel_size,
        strides,
        "same" if strides == 1 else "valid",
        kernel_initializer="he_uniform",
        name=name,
    )(x)
    return layers.ReLU(name=f"{name}.relu")(x)


def max_pool(x, name: str):
    """3x3 with stride 2, sides rounded up: (B, H, W, C) to (B, H // 2, W // 2, C), 2 <= H, W.

    One row and one column of zeros complete the last windows at even sides, and lie outside all
    windows at odd ones. `x` is never negative, so that they change no maximum.
    """
    x = layers.ZeroPadding2D(((0, 1), (0, 1)), name=f"{name}.pad")(x)
    return layers.MaxPooling2D(3, 2, name=name)(x)


def original_head(
    features: keras.KerasTensor, classes: int, activation: str | None, dropout: float
) -> keras.KerasTensor:
    """The published classifier: dropout, a 1x1 convolution with ReLU, the mean over the map.

    (B, h, w, 512) to (B, classes) float32, under mixed precision as well. The published rate of
    dropout is 0.5.
    """
    x = features
    if dropout:
        x = layers.Dropout(dropout, name="head.dropout", dtype="float32")(x)
    start = keras.initializers.RandomNormal(0.0, 0.01)
    x = layers.Conv2D(classes, 1, kernel_initializer=start, name="head", dtype="float32")(x)
    x = layers.ReLU(name="head.relu", dtype="float32")(x)
    x = layers.GlobalAveragePooling2D(name="head.pool", dtype="float32")(x)
    return layers.Activation(activation or "linear", name="head.activation", dtype="float32")(x)


def _fire_modules(modules: tuple[int, ...]) -> dict[str, str]:
    """Module paths to the names of the authors' Caffe models, as "features.3" to "fire2"."""
    paths = [f"features.{i}" for i, squeezed in enumerate(modules, start=2) if squeezed != POOL]
    return {path: f"fire{number}" for number, path in enumerate(paths, start=2)}


def _authors_name(slot: Slot, fire_modules: Mapping[str, str], parts: Mapping[str, str]) -> str:
    """The authors' name of a layer; a layer that their network does not have keeps its own."""
    whole = {"features.0": "conv1", "head": parts["head"]}
    if slot.layer.name in whole:
        return whole[slot.layer.name]
    module, _, part = slot.layer.name.rpartition(".")
    return f"{fire_modules.get(module, module)}/{parts[part]}"


_NPZ_PARTS = {
    "squeeze": "conv1x1_1",
    "expand1x1": "conv1x1_2",
    "expand3x3": "conv3x3_2",
    "head": "conv_final",
}
_H5_PARTS = {
    "squeeze": "squeeze1x1",
    "expand1x1": "expand1x1",
    "expand3x3": "expand3x3",
    "head": "conv10",
}
_FIRE_1_0 = _fire_modules(SIZES["squeezenet"][-1])
_FIRE_1_1 = _fire_modules(SIZES["squeezenet1_1"][-1])


def npz_name(slot: Slot) -> str:
    """The name in the authors' 1.0 as .npz, as "fire2/conv1x1_1/W"."""
    weight = {"kernel": "W", "bias": "b"}[slot.weight]
    return f"{_authors_name(slot, _FIRE_1_0, _NPZ_PARTS)}/{weight}"


def h5_name(slot: Slot) -> str:
    """The place in keras-squeezenet's 1.1, as "fire2/squeeze1x1/0"."""
    return f"{_authors_name(slot, _FIRE_1_1, _H5_PARTS)}/{slot.index}"


LAYOUTS = {
    "torch": layout(head="classifier.1"),
    "npz": Layout(
        name=npz_name, axes=torch_axes, is_head=lambda name: name.startswith("conv_final/")
    ),
    "h5": Layout(name=h5_name, is_head=lambda name: name.startswith("conv10/")),
}
