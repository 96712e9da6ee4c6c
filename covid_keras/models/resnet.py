"""ResNet-18 (He et al. 2016, arXiv:1512.03385) and ResNeXt (Xie et al. 2017, arXiv:1611.05431).

Follows torchvision.models.resnet; layers have its module paths, such as "layer1.0.conv1". In
bottleneck units the stride is on the 3x3 convolution.
"""

from functools import partial

from covid_keras.models.lazy import grouped, layers
from covid_keras.models.network import PREPROCESSING, Network
from covid_keras.models.torch_blocks import conv, imagenet, max_pool, norm
from covid_keras.models.weights.layout import torch_layout
from covid_keras.utils.backend import Tensor


def resnet(x, units: tuple[int, ...], groups: int = 0, group_width: int = 0) -> Tensor:
    """Return the features of images `x` (B, H, W, 3): (B, ceil(H / 32), ceil(W / 32), C).

    Args:
        units: number of units in each of the four stages.
        groups: groups of the 3x3 convolutions in bottleneck units; 0 for basic units.
        group_width: channels per group in the first stage.
    """
    x = norm(conv(x, 64, 7, 2, "conv1"), "bn1")
    x = max_pool(layers.ReLU(name="relu")(x), "maxpool")
    last = f"layer4.{units[-1] - 1}"
    for stage, count in enumerate(units, start=1):
        for index in range(count):
            strides = 2 if stage > 1 and index == 0 else 1
            unit, scale = f"layer{stage}.{index}", 2 ** (stage - 1)
            if groups:
                y = bottleneck(x, groups * group_width * scale, 256 * scale, groups, strides, unit)
            else:
                y = basic(x, 64 * scale, strides, unit)
            x = layers.Add(name=f"{unit}.add")([y, shortcut(x, y.shape[-1], strides, unit)])
            x = layers.ReLU(name="features" if unit == last else f"{unit}.relu")(x)
    return x


def basic(x, filters: int, strides: int, name: str) -> Tensor:
    """Apply two 3x3 convolutions: (B, H, W, C) to (B, ceil(H / strides), ..., filters)."""
    x = norm(conv(x, filters, 3, strides, f"{name}.conv1"), f"{name}.bn1")
    x = layers.ReLU(name=f"{name}.relu1")(x)
    return norm(conv(x, filters, 3, 1, f"{name}.conv2"), f"{name}.bn2")


def bottleneck(x, width: int, filters: int, groups: int, strides: int, name: str) -> Tensor:
    """Apply 1x1, grouped 3x3, 1x1: (B, H, W, C) to (B, ceil(H / strides), ..., filters)."""
    x = norm(conv(x, width, 1, 1, f"{name}.conv1"), f"{name}.bn1")
    x = layers.ReLU(name=f"{name}.relu1")(x)
    x = grouped.GroupedConv2D(width, 3, strides, groups, name=f"{name}.conv2")(x)
    x = norm(x, f"{name}.bn2")
    x = layers.ReLU(name=f"{name}.relu2")(x)
    return norm(conv(x, filters, 1, 1, f"{name}.conv3"), f"{name}.bn3")


def shortcut(x, filters: int, strides: int, name: str) -> Tensor:
    """Return `x` itself, or a 1x1 convolution of it if the shapes differ."""
    if strides == 1 and x.shape[-1] == filters:
        return x
    return norm(conv(x, filters, 1, strides, f"{name}.downsample.0"), f"{name}.downsample.1")


_RESNET = "He et al., Deep Residual Learning for Image Recognition, CVPR 2016, arXiv:1512.03385"
_RESNEXT = "Xie et al., Aggregated Residual Transformations, CVPR 2017, arXiv:1611.05431"


def _row(name: str, parameters: int, units: tuple, groups: tuple, file: str) -> Network:
    last = [f"layer{stage}.{count - 1}.relu" for stage, count in enumerate(units, start=1)]
    return Network(
        name=name,
        graph=partial(resnet, units=units, groups=groups[0], group_width=groups[1]),
        input_size=(253, 349),
        preprocessing=PREPROCESSING["torch"],
        parameters=parameters,
        features=2048 if groups[0] else 512,
        stages=("maxpool", *last[:-1], "features"),
        layouts={"torch": torch_layout(head="fc")},
        weights=imagenet(file, _RESNEXT if groups[0] else _RESNET),
    )


NETWORKS = (
    _row("resnet18", 11_177_025, (2, 2, 2, 2), (0, 0), "resnet18-f37072fd"),
    _row("resnext50", 22_981_953, (3, 4, 6, 3), (32, 4), "resnext50_32x4d-7cdf4587"),
    _row("resnext101", 86_744_385, (3, 4, 23, 3), (32, 8), "resnext101_32x8d-8ba56ff5"),
)
