"""BiT ResNet-v2: Big Transfer (Kolesnikov et al. 2020, arXiv:1912.11370).

Follows google-research/big_transfer: pre-activation bottleneck units, group normalisation in
place of batch normalisation, weight-standardised convolutions. A layer is named after its place
in the published .npz files, with "." for "/" and without the leading "resnet/", so that the
names map both ways.
"""

import re
from dataclasses import replace

import keras
from keras import layers

from covid_keras.models.layers import GroupNormalization, StandardizedConv2D
from covid_keras.models.weights.layout import Layout, Slot

SIZES = {
    "bit_r50x1": ((3, 4, 6, 3), 1),
    "bit_r50x3": ((3, 4, 6, 3), 3),
    "bit_r101x1": ((3, 4, 23, 3), 1),
    "bit_r101x3": ((3, 4, 23, 3), 3),
    "bit_r152x2": ((3, 8, 36, 3), 2),
    "bit_r152x4": ((3, 8, 36, 3), 4),
}
"""Units in each of the four blocks, and the factor on the number of channels."""


def backbone(name: str, input_shape: tuple[int | None, int | None, int]) -> keras.Model:
    """The network `name` of `SIZES` up to the activation after its last group normalisation.

    Input: (B, H, W, 3), (x - 127.5) / 127.5, so in [-1, 1]. Output: the layer "features",
    (B, ceil(H / 32), ceil(W / 32), 2048 * factor).
    """
    units, width = SIZES[name]
    inputs = keras.Input(input_shape, name="image")
    return keras.Model(inputs, resnet_v2(inputs, units, width), name=name)


def resnet_v2(x, units: tuple[int, ...], width: int):
    """The graph from the input tensor `x` (B, H, W, C) to the features."""
    x = StandardizedConv2D(64 * width, 7, 2, name="root_block.standardized_conv2d")(x)
    x = layers.ZeroPadding2D(1, name="root_block.pad")(x)
    x = layers.MaxPooling2D(3, 2, name="root_block.pool")(x)
    for block, count in enumerate(units, start=1):
        for unit in range(1, count + 1):
            stride = 2 if block > 1 and unit == 1 else 1
            filters = 64 * width * 2 ** (block - 1)
            x = bottleneck(x, filters, stride, f"block{block}.unit{unit:02d}")
    x = GroupNormalization(name="group_norm")(x)
    return layers.ReLU(name="features")(x)


def bottleneck(x, filters: int, stride: int, name: str):
    """A pre-activation unit: (B, H, W, C) to (B, ceil(H / stride), ..., 4 * filters).

    The stride is on the 3x3 convolution; the projection starts from the pre-activation.
    """
    shortcut, channels = x, x.shape[-1]
    x = _norm_relu(x, f"{name}.a")
    if stride > 1 or channels != 4 * filters:
        projection = f"{name}.a.proj.standardized_conv2d"
        shortcut = StandardizedConv2D(4 * filters, 1, stride, name=projection)(x)
    x = StandardizedConv2D(filters, 1, name=f"{name}.a.standardized_conv2d")(x)
    x = _norm_relu(x, f"{name}.b")
    x = StandardizedConv2D(filters, 3, stride, name=f"{name}.b.standardized_conv2d")(x)
    x = _norm_relu(x, f"{name}.c")
    x = StandardizedConv2D(4 * filters, 1, name=f"{name}.c.standardized_conv2d")(x)
    return layers.Add(name=f"{name}.add")([x, shortcut])


def npz_name(slot: Slot) -> str:
    """The name in the published files, as "resnet/block1/unit01/a/group_norm/gamma"."""
    return f"resnet/{slot.layer.name.replace('.', '/')}/{slot.weight}"


def canonical_name(name: str) -> str:
    """A name found in a published file, without the counters that some of the files have.

    Some carry "standardized_conv2d_12" for "standardized_conv2d" (big_vision's loader for the
    same files undoes it as well).
    """
    return re.sub(r"/standardized_conv2d_\d+/", "/standardized_conv2d/", name)


def module_name(name: str) -> str | None:
    """`canonical_name` in a module of TensorFlow Hub; None for what is no part of the network."""
    return canonical_name(name) if name.startswith("resnet/") else None


_NPZ = Layout(
    name=npz_name,
    canonical=canonical_name,
    is_head=lambda name: name.startswith("resnet/head/"),
)
LAYOUTS = {"npz": _NPZ, "savedmodel": replace(_NPZ, canonical=module_name)}


def _norm_relu(x, name: str):
    x = GroupNormalization(name=f"{name}.group_norm")(x)
    return layers.ReLU(name=f"{name}.relu")(x)
