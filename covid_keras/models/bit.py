"""BiT ResNet-v2: Big Transfer (Kolesnikov et al. 2020, arXiv:1912.11370), papers A and C.

Follows google-research/big_transfer: pre-activation bottleneck units, group normalisation instead
of batch normalisation, weight-standardised convolutions. A layer is named after its place in the
published .npz files, with "." for "/" and without the leading "resnet/".
"""

import re
from dataclasses import replace
from functools import partial

from covid_keras.models.lazy import heads, layers, own_layers
from covid_keras.models.network import PREPROCESSING, Network, Weights
from covid_keras.models.weights.layout import Layout, Slot
from covid_keras.utils.backend import Tensor


def resnet_v2(
    x, units: tuple[int, ...], width: float, strides: tuple[int, ...] = (1, 2, 2, 2)
) -> Tensor:
    """Return the features of images `x` (B, H, W, 3): (B, ceil(H / 32), ceil(W / 32), C).

    Args:
        units: number of units in each block.
        width: factor on the number of channels, and below 1 on that of groups, 32; C is
            2048 * width for four blocks.
        strides: of each block's first unit; the stem's is 4.
    """
    channels, groups = round(64 * width), round(32 * min(1, width))
    x = _conv(x, channels, 7, 2, "root_block")
    x = layers.ZeroPadding2D(1, name="root_block.pad")(x)
    x = layers.MaxPooling2D(3, 2, name="root_block.pool")(x)
    for block, count in enumerate(units, start=1):
        for unit in range(1, count + 1):
            stride = strides[block - 1] if unit == 1 else 1
            filters = channels * 2 ** (block - 1)
            x = bottleneck(x, filters, stride, groups, f"block{block}.unit{unit:02d}")
    x = own_layers.GroupNormalization(groups, name="group_norm")(x)
    return layers.ReLU(name="features")(x)


def bottleneck(x, filters: int, stride: int, groups: int, name: str) -> Tensor:
    """Apply a pre-activation unit: (B, H, W, C) to (B, ceil(H / stride), ..., 4 * filters).

    The stride is on the 3x3 convolution; the projection starts from the pre-activation.
    """
    shortcut, channels = x, x.shape[-1]
    x = _norm_relu(x, groups, f"{name}.a")
    if stride > 1 or channels != 4 * filters:
        shortcut = _conv(x, 4 * filters, 1, stride, f"{name}.a.proj")
    x = _conv(x, filters, 1, 1, f"{name}.a")
    x = _norm_relu(x, groups, f"{name}.b")
    x = _conv(x, filters, 3, stride, f"{name}.b")
    x = _norm_relu(x, groups, f"{name}.c")
    x = _conv(x, 4 * filters, 1, 1, f"{name}.c")
    return layers.Add(name=f"{name}.add")([x, shortcut])


def _conv(x, filters: int, kernel_size: int, stride: int, name: str) -> Tensor:
    name = f"{name}.standardized_conv2d"
    return own_layers.StandardizedConv2D(filters, kernel_size, stride, name=name)(x)


def _norm_relu(x, groups: int, name: str) -> Tensor:
    x = own_layers.GroupNormalization(groups, name=f"{name}.group_norm")(x)
    return layers.ReLU(name=f"{name}.relu")(x)


def original_head(features, classes: int, activation: str | None, dropout: float) -> Tensor:
    """Add the published classifier: pooling and one dense layer, which starts at zero."""
    return heads.linear(features, classes, activation, dropout)


def npz_name(slot: Slot) -> str:
    """Return the name in the published files, such as "resnet/block1/unit01/a/group_norm/gamma"."""
    return f"resnet/{slot.layer.name.replace('.', '/')}/{slot.variable.name}"


def canonical_name(name: str) -> str:
    """Return `name` without a counter that some files have: "standardized_conv2d_12"."""
    return re.sub(r"/standardized_conv2d_\d+/", "/standardized_conv2d/", name)


_NPZ = Layout(name=npz_name, canonical=canonical_name, head="resnet/head/")
_MODULE = replace(
    _NPZ, canonical=lambda name: canonical_name(name) if name.startswith("resnet/") else None
)
"""A TensorFlow Hub module has other variables, too."""
LAYOUTS = {"npz": _NPZ, "savedmodel": _MODULE}

_SOURCES = {
    "bit-s": ("BiT-S-{}", "ILSVRC-2012"),
    "bit-m": ("BiT-M-{}", "ImageNet-21k"),
    "bit-m-ilsvrc2012": ("BiT-M-{}-ILSVRC2012", "ImageNet-21k, then ILSVRC-2012 (BiT-M-S)"),
    # Not in big_transfer's README; its PyTorch colab loads the file from there.
    "bit-m-cifar10": ("BiT-M-{}-CIFAR10", "ImageNet-21k, then CIFAR-10 (BiT-M-C)"),
}


def _weights(size: str, source: str) -> Weights:
    file, trained_on = _SOURCES[source]
    by_hand = "make it from bit-m and CIFAR-10 with experiments/make_bit_m_c.py"
    return Weights(
        address=f"https://storage.googleapis.com/bit_models/{file.format(size)}.npz",
        source=trained_on,
        licence="Apache-2.0",
        citation="Kolesnikov et al., Big Transfer (BiT), ECCV 2020, arXiv:1912.11370",
        instead=by_hand if source == "bit-m-cifar10" else "",
    )


def _row(size: str, parameters: int, units: tuple[int, ...], width: float) -> Network:
    last = (f"block{block}.unit{count:02d}.add" for block, count in enumerate(units, start=1))
    sources = (s for s in _SOURCES if s != "bit-m-cifar10" or size == "R50x1")
    return Network(
        name=f"bit_{size.lower().replace('.', '_')}",
        graph=partial(resnet_v2, units=units, width=width),
        input_size=(480, 480),
        preprocessing=PREPROCESSING["tf"],
        parameters=parameters,
        features=round(2048 * width),
        stages=("root_block.pool", *last),
        layouts=LAYOUTS,
        weights={source: _weights(size, source) for source in sources},
        original_head=original_head,
    )


_SMALL = replace(
    _row("R14x0.25", 504_977, (1, 1, 1, 1), width=0.25),
    graph=partial(resnet_v2, units=(1, 1, 1, 1), width=0.25, strides=(1, 2, 1, 1)),
    input_size=(64, 64),
    weights={},
    note="not of the paper: for the first run, on the phantom; its feature map is 8x8 at 64 pixels",
)
"""One unit a block, a quarter of the width, and two strides less than R50x1."""

NETWORKS = (
    _row("R50x1", 23_502_401, (3, 4, 6, 3), width=1),
    _row("R50x3", 211_180_225, (3, 4, 6, 3), width=3),
    _row("R101x1", 42_494_529, (3, 4, 23, 3), width=1),
    _row("R101x3", 381_796_033, (3, 4, 23, 3), width=3),
    _row("R152x2", 232_242_305, (3, 8, 36, 3), width=2),
    _row("R152x4", 928_348_417, (3, 8, 36, 3), width=4),
    _SMALL,
)
