"""SqueezeNet 1.0 and 1.1 (Iandola et al. 2016, arXiv:1602.07360).

Follows torchvision.models.squeezenet, which pools as Caffe does: a last window counts even if it
covers the map only in part. Layers have its module paths, such as "features.3.squeeze"; the
concatenation that ends a fire module has the module's own path.
"""

from __future__ import annotations

from collections.abc import Mapping

from covid_keras.models.lazy import keras, layers
from covid_keras.models.network import PREPROCESSING, Network
from covid_keras.models.torch_blocks import imagenet
from covid_keras.models.weights.layout import Layout, Slot, torch_axes, torch_layout

POOL = 0
SIZES: dict[str, tuple[int, int, tuple[int, ...]]] = {
    "squeezenet": (96, 7, (POOL, 16, 16, 32, POOL, 32, 48, 48, 64, POOL, 64)),
    "squeezenet1_1": (64, 3, (POOL, 16, 16, POOL, 32, 32, POOL, 48, 48, 64, 64)),
}
"""Filters and side of the first convolution; then the squeezed channels of each fire module."""


def backbone(name: str, input_shape: tuple[int | None, int | None, int]) -> keras.Model:
    """Build the network `name` of `SIZES` up to its last fire module.

    Input: (B, H, W, 3), normalised as its weights say. Output: (B, h, w, 512), with
    h = w = 13 for images of 224 x 224 pixels.
    """
    inputs = keras.Input(input_shape, name="image")
    return keras.Model(inputs, squeezenet(inputs, *SIZES[name]), name=name)


def squeezenet(x, filters: int, kernel_size: int, modules: tuple[int, ...]):
    """Return the last feature map of the images `x` (B, H, W, C)."""
    x = conv(x, filters, kernel_size, "features.0", strides=2)
    for index, squeezed in enumerate(modules, start=2):
        name = f"features.{index}"
        if squeezed == POOL:
            x = max_pool(x, name)
        else:
            x = fire(x, squeezed, name, "features" if index == len(modules) + 1 else name)
    return x


def fire(x, squeezed: int, name: str, end: str):
    """Apply a 1x1, then a 1x1 beside a 3x3 convolution: (B, H, W, C) to (B, H, W, 8 * squeezed)."""
    x = conv(x, squeezed, 1, f"{name}.squeeze")
    small = conv(x, 4 * squeezed, 1, f"{name}.expand1x1")
    large = conv(x, 4 * squeezed, 3, f"{name}.expand3x3")
    return layers.Concatenate(name=end)([small, large])


def conv(x, filters: int, kernel_size: int, name: str, strides: int = 1):
    """Apply a convolution with bias and ReLU; with a stride it has no padding."""
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
    """Apply 3x3 pooling with stride 2: (B, H, W, C) to (B, H // 2, W // 2, C), 2 <= H, W.

    A row and a column of zeros complete the last windows at even sides; at odd sides they lie
    outside of all windows. `x` must not be negative, so that they change no maximum.
    """
    x = layers.ZeroPadding2D(((0, 1), (0, 1)), name=f"{name}.pad")(x)
    return layers.MaxPooling2D(3, 2, name=name)(x)


def original_head(
    features: keras.KerasTensor, classes: int, activation: str | None, dropout: float
) -> keras.KerasTensor:
    """Add the published classifier: dropout, a 1x1 convolution with ReLU, the mean over the map.

    (B, h, w, 512) to (B, classes) float32, also under mixed precision. The published rate of
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
    """Return {module path: name in the authors' Caffe models}, such as "features.3": "fire2"."""
    paths = [f"features.{i}" for i, squeezed in enumerate(modules, start=2) if squeezed != POOL]
    return {path: f"fire{number}" for number, path in enumerate(paths, start=2)}


def _authors_name(slot: Slot, fire_modules: Mapping[str, str], parts: Mapping[str, str]) -> str:
    """Return the authors' name of a layer; a layer that they do not have keeps its own."""
    if slot.layer.name in ("features.0", "head"):
        return parts[slot.layer.name]
    module, _, part = slot.layer.name.rpartition(".")
    return f"{fire_modules.get(module, module)}/{parts[part]}"


_NPZ_PARTS = {
    "features.0": "conv1",
    "squeeze": "conv1x1_1",
    "expand1x1": "conv1x1_2",
    "expand3x3": "conv3x3_2",
    "head": "conv_final",
}
_H5_PARTS = {
    "features.0": "conv1",
    "squeeze": "squeeze1x1",
    "expand1x1": "expand1x1",
    "expand3x3": "expand3x3",
    "head": "conv10",
}
_FIRE_1_0 = _fire_modules(SIZES["squeezenet"][-1])
_FIRE_1_1 = _fire_modules(SIZES["squeezenet1_1"][-1])


def npz_name(slot: Slot) -> str:
    """Return the name in the authors' .npz of 1.0, such as "fire2/conv1x1_1/W"."""
    weight = {"kernel": "W", "bias": "b"}[slot.weight]
    return f"{_authors_name(slot, _FIRE_1_0, _NPZ_PARTS)}/{weight}"


def h5_name(slot: Slot) -> str:
    """Return the name in keras-squeezenet's .h5 of 1.1, such as "fire2/squeeze1x1/0"."""
    return f"{_authors_name(slot, _FIRE_1_1, _H5_PARTS)}/{slot.index}"


LAYOUTS = {
    "torch": torch_layout(head="classifier.1"),
    "npz": Layout(
        name=npz_name, axes=torch_axes, is_head=lambda name: name.startswith("conv_final/")
    ),
    "h5": Layout(name=h5_name, is_head=lambda name: name.startswith("conv10/")),
}


def _row(
    name: str, parameters: int, stages: tuple[str, ...], file: str, suffixes: dict[str, str]
) -> Network:
    return Network(
        name=name,
        build=backbone,
        input_size=(255, 335),
        preprocessing=PREPROCESSING["torch"],
        parameters=parameters,
        features=512,
        stages=stages,
        layouts=LAYOUTS,
        weights=imagenet(file, "Iandola et al., SqueezeNet, 2016, arXiv:1602.07360"),
        file_preprocessing=suffixes,
        original_head=original_head,
    )


NETWORKS = (
    _row(
        "squeezenet",
        735_937,
        ("features.2", "features.6", "features.11", "features"),
        "squeezenet1_0-b66bff10",
        {".npz": "caffe-whole"},
    ),
    _row(
        "squeezenet1_1",
        723_009,
        ("features.2", "features.5", "features.8", "features"),
        "squeezenet1_1-b8a52dc0",
        # This package's own files end in .weights.h5, the published Keras one in .h5.
        {".weights.h5": "torch", ".h5": "caffe"},
    ),
)
