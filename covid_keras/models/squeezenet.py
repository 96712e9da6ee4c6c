"""SqueezeNet 1.0 and 1.1 (Iandola et al. 2016, arXiv:1602.07360).

Follows torchvision.models.squeezenet, which pools as Caffe does: a last window counts even if it
covers the map only in part. Layers have its module paths, such as "features.3.squeeze"; the
concatenation that ends a fire module has the module's own path.
"""

from functools import partial

from covid_keras.models.lazy import heads, layers
from covid_keras.models.network import PREPROCESSING, Network
from covid_keras.models.torch_blocks import imagenet
from covid_keras.models.weights.layout import Layout, Slot, torch_axes, torch_layout
from covid_keras.utils.backend import Tensor

POOL = 0
MODULES_1_0 = (POOL, 16, 16, 32, POOL, 32, 48, 48, 64, POOL, 64)
MODULES_1_1 = (POOL, 16, 16, POOL, 32, 32, POOL, 48, 48, 64, 64)
"""Squeezed channels of each fire module, from "features.2" on."""


def squeezenet(x, filters: int, kernel_size: int, modules: tuple[int, ...]) -> Tensor:
    """Return the features of images `x` (B, H, W, 3): (B, h, w, 512), h = w = 13 for 224 pixels.

    Args:
        filters, kernel_size: of the first convolution.
        modules: `MODULES_1_0` or `MODULES_1_1`.
    """
    x = conv(x, filters, kernel_size, "features.0", strides=2)
    for index, squeezed in enumerate(modules, start=2):
        name = f"features.{index}"
        if squeezed == POOL:
            x = max_pool(x, name)
        else:
            x = fire(x, squeezed, name, "features" if index == len(modules) + 1 else name)
    return x


def fire(x, squeezed: int, name: str, end: str) -> Tensor:
    """Apply a 1x1, then a 1x1 beside a 3x3 convolution: (B, H, W, C) to (B, H, W, 8 * squeezed)."""
    x = conv(x, squeezed, 1, f"{name}.squeeze")
    small = conv(x, 4 * squeezed, 1, f"{name}.expand1x1")
    large = conv(x, 4 * squeezed, 3, f"{name}.expand3x3")
    return layers.Concatenate(name=end)([small, large])


def conv(x, filters: int, kernel_size: int, name: str, strides: int = 1) -> Tensor:
    """Apply a convolution with bias and ReLU; with a stride it has no padding."""
    padding = "same" if strides == 1 else "valid"
    x = layers.Conv2D(
        filters, kernel_size, strides, padding, kernel_initializer="he_uniform", name=name
    )(x)
    return layers.ReLU(name=f"{name}.relu")(x)


def max_pool(x, name: str) -> Tensor:
    """Apply 3x3 pooling with stride 2: (B, H, W, C) to (B, H // 2, W // 2, C), 2 <= H, W.

    Zeros complete the last windows at even sides: `x` must not be negative.
    """
    x = layers.ZeroPadding2D(((0, 1), (0, 1)), name=f"{name}.pad")(x)
    return layers.MaxPooling2D(3, 2, name=name)(x)


def original_head(features, classes: int, activation: str | None, dropout: float) -> Tensor:
    """Add the published classifier: dropout, a 1x1 convolution with ReLU, the mean.

    (B, h, w, 512) to (B, classes) float32, also under mixed precision. One output has no ReLU:
    behind it a logit could never be negative.
    """
    x, start = features, heads.torch_start(features)
    if dropout:
        x = layers.Dropout(dropout, name="head.dropout", dtype="float32")(x)
    x = layers.Conv2D(classes, 1, name="head", dtype="float32", **start)(x)
    if classes > 1:
        x = layers.ReLU(name="head.relu", dtype="float32")(x)
    x = layers.GlobalAveragePooling2D(name="head.pool", dtype="float32")(x)
    return layers.Activation(activation or "linear", name="head.activation", dtype="float32")(x)


def _authors_layout(
    modules: tuple[int, ...], head: str, parts: tuple[str, ...], weights: str, **columns
) -> Layout:
    """Return the layout of files with names such as "fire2/squeeze1x1/0".

    `parts` are a fire module's three convolutions, `weights` the letters of kernel and bias.
    """
    names = {"features.0": "conv1", "head": head}
    paths = [f"features.{i}" for i, squeezed in enumerate(modules, start=2) if squeezed != POOL]
    for number, path in enumerate(paths, start=2):
        for ours, theirs in zip(("squeeze", "expand1x1", "expand3x3"), parts, strict=True):
            names[f"{path}.{ours}"] = f"fire{number}/{theirs}"

    def name(slot: Slot) -> str:
        return f"{names.get(slot.layer.name, slot.layer.name)}/{weights[slot.index]}"

    return Layout(name, head=f"{head}/", **columns)


_CAFFE = ("conv1x1_1", "conv1x1_2", "conv3x3_2")
_KERAS = ("squeeze1x1", "expand1x1", "expand3x3")
LAYOUTS = {
    "torch": torch_layout("classifier.1"),
    "npz": _authors_layout(MODULES_1_0, "conv_final", _CAFFE, "Wb", axes=torch_axes),
    "h5": _authors_layout(MODULES_1_1, "conv10", _KERAS, "01"),
}
"""PyTorch's, the authors' .npz of 1.0 and keras-squeezenet's .h5 of 1.1."""

_COMMON = {
    "input_size": (255, 335),
    "preprocessing": PREPROCESSING["torch"],
    "features": 512,
    "layouts": LAYOUTS,
    "original_head": original_head,
    "dropout": 0.5,
}
_CITATION = "Iandola et al., SqueezeNet, 2016, arXiv:1602.07360"
NETWORKS = (
    Network(
        name="squeezenet",
        graph=partial(squeezenet, filters=96, kernel_size=7, modules=MODULES_1_0),
        parameters=735_937,
        smallest=21,
        stages=("features.2", "features.6", "features.11", "features"),
        weights=imagenet("squeezenet1_0-b66bff10", _CITATION),
        file_preprocessing={".npz": "caffe-whole"},
        **_COMMON,
    ),
    Network(
        name="squeezenet1_1",
        graph=partial(squeezenet, filters=64, kernel_size=3, modules=MODULES_1_1),
        parameters=723_009,
        smallest=17,
        stages=("features.2", "features.5", "features.8", "features"),
        weights=imagenet("squeezenet1_1-b8a52dc0", _CITATION),
        # This package's own files end in .weights.h5, the published Keras one in .h5.
        file_preprocessing={".weights.h5": "torch", ".h5": "caffe"},
        **_COMMON,
    ),
)
