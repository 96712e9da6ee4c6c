"""ResNet-18 (He et al. 2016, arXiv:1512.03385) and ResNeXt (Xie et al. 2017, arXiv:1611.05431).

Follows torchvision.models.resnet; layers have its module paths, such as "layer1.0.conv1". In
bottleneck units the stride is on the 3x3 convolution.
"""

from __future__ import annotations

from dataclasses import dataclass

from covid_keras.models.lazy import grouped, keras, layers
from covid_keras.models.network import PREPROCESSING, Network
from covid_keras.models.torch_blocks import conv, imagenet, max_pool, norm
from covid_keras.models.weights.layout import torch_layout


@dataclass(frozen=True)
class Size:
    """One network of the family."""

    units: tuple[int, int, int, int]
    """Units in each of the four stages."""
    groups: int = 0
    """Groups of the 3x3 convolutions in bottleneck units; 0 for basic units."""
    group_width: int = 0
    """Channels per group in the first stage."""


SIZES = {
    "resnet18": Size((2, 2, 2, 2)),
    "resnext50": Size((3, 4, 6, 3), groups=32, group_width=4),
    "resnext101": Size((3, 4, 23, 3), groups=32, group_width=8),
}


def backbone(name: str, input_shape: tuple[int | None, int | None, int]) -> keras.Model:
    """Build the network `name` of `SIZES` up to its last ReLU.

    Input: (B, H, W, 3), normalised as torchvision does. Output: (B, ceil(H / 32), ceil(W / 32), C)
    with C = 512 for ResNet-18 and 2048 for the ResNeXts.
    """
    inputs = keras.Input(input_shape, name="image")
    return keras.Model(inputs, resnet(inputs, SIZES[name]), name=name)


def resnet(x, size: Size):
    """Return the last feature map of the images `x` (B, H, W, C)."""
    x = norm(conv(x, 64, 7, 2, "conv1"), "bn1")
    x = max_pool(layers.ReLU(name="relu")(x), "maxpool")
    last = f"layer4.{size.units[-1] - 1}"
    for stage, count in enumerate(size.units, start=1):
        for index in range(count):
            strides = 2 if stage > 1 and index == 0 else 1
            unit = f"layer{stage}.{index}"
            end = "features" if unit == last else f"{unit}.relu"
            width = 64 * 2 ** (stage - 1)
            if size.groups:
                wide = size.groups * size.group_width * 2 ** (stage - 1)
                y = bottleneck(x, wide, 4 * width, size.groups, strides, unit)
            else:
                y = basic(x, width, strides, unit)
            shortcut = project(x, y.shape[-1], strides, unit)
            x = layers.ReLU(name=end)(layers.Add(name=f"{unit}.add")([y, shortcut]))
    return x


def basic(x, filters: int, strides: int, name: str):
    """Apply two 3x3 convolutions: (B, H, W, C) to (B, ceil(H / strides), ..., filters)."""
    x = norm(conv(x, filters, 3, strides, f"{name}.conv1"), f"{name}.bn1")
    x = layers.ReLU(name=f"{name}.relu1")(x)
    return norm(conv(x, filters, 3, 1, f"{name}.conv2"), f"{name}.bn2")


def bottleneck(x, width: int, filters: int, groups: int, strides: int, name: str):
    """Apply 1x1, grouped 3x3, 1x1: (B, H, W, C) to (B, ceil(H / strides), ..., filters)."""
    x = norm(conv(x, width, 1, 1, f"{name}.conv1"), f"{name}.bn1")
    x = layers.ReLU(name=f"{name}.relu1")(x)
    x = grouped.GroupedConv2D(width, 3, strides, groups, name=f"{name}.conv2")(x)
    x = norm(x, f"{name}.bn2")
    x = layers.ReLU(name=f"{name}.relu2")(x)
    return norm(conv(x, filters, 1, 1, f"{name}.conv3"), f"{name}.bn3")


def project(x, filters: int, strides: int, name: str):
    """Return the shortcut: `x` itself, or a 1x1 convolution of it if the shapes differ."""
    if strides == 1 and x.shape[-1] == filters:
        return x
    shortcut = conv(x, filters, 1, strides, f"{name}.downsample.0")
    return norm(shortcut, f"{name}.downsample.1")


_RESNET = "He et al., Deep Residual Learning for Image Recognition, CVPR 2016, arXiv:1512.03385"
_RESNEXT = "Xie et al., Aggregated Residual Transformations, CVPR 2017, arXiv:1611.05431"


def _row(name: str, parameters: int, features: int, citation: str, file: str) -> Network:
    units = SIZES[name].units
    last = [f"layer{stage}.{count - 1}.relu" for stage, count in enumerate(units, start=1)]
    return Network(
        name=name,
        build=backbone,
        input_size=(253, 349),
        preprocessing=PREPROCESSING["torch"],
        parameters=parameters,
        features=features,
        stages=("maxpool", *last[:-1], "features"),
        layouts={"torch": torch_layout(head="fc")},
        weights=imagenet(file, citation),
    )


NETWORKS = (
    _row("resnet18", 11_177_025, 512, _RESNET, "resnet18-f37072fd"),
    _row("resnext50", 22_981_953, 2048, _RESNEXT, "resnext50_32x4d-7cdf4587"),
    _row("resnext101", 86_744_385, 2048, _RESNEXT, "resnext101_32x8d-8ba56ff5"),
)
