"""ShuffleNet V2 (Ma et al. 2018, arXiv:1807.11164).

Follows torchvision.models.shufflenetv2; layers have its paths, such as "stage2.0.branch1.0".
"""

from functools import partial

from covid_keras.models.lazy import layers, own_layers
from covid_keras.models.network import PREPROCESSING, Network
from covid_keras.models.torch_blocks import conv, imagenet, max_pool, norm, pad, padding
from covid_keras.models.weights.layout import torch_layout
from covid_keras.utils.backend import Tensor

_UNIFORM = {"scale": 1 / 3, "mode": "fan_in", "distribution": "uniform"}
PYTORCH_START = {"class_name": "VarianceScaling", "config": _UNIFORM}
"""PyTorch's default initial kernels, which torchvision's ShuffleNet keeps."""
DEPTHWISE_START = {"class_name": "RandomUniform", "config": {"minval": -1 / 3, "maxval": 1 / 3}}
"""The same for 3x3 depthwise kernels: Keras would count all channels as inputs."""

UNITS = {"stage2": 4, "stage3": 8, "stage4": 4}


def shufflenet(x, channels: tuple[int, int, int]) -> Tensor:
    """Return the features of images `x` (B, H, W, 3): (B, ceil(H / 32), ceil(W / 32), 1024)."""
    x = conv_norm(x, 24, 3, 2, "conv1", 0)
    x = max_pool(layers.ReLU(name="conv1.2")(x), "maxpool")
    for (stage, count), filters in zip(UNITS.items(), channels, strict=True):
        x = first_unit(x, filters, f"{stage}.0")
        for index in range(1, count):
            x = unit(x, f"{stage}.{index}")
    x = conv_norm(x, 1024, 1, 1, "conv5", 0)
    return layers.ReLU(name="features")(x)


def first_unit(x, filters: int, name: str) -> Tensor:
    """Halve the sides: (B, H, W, C) to (B, ceil(H / 2), ceil(W / 2), filters)."""
    left = depthwise_norm(x, 2, f"{name}.branch1", 0)
    left = conv_norm(left, filters // 2, 1, 1, f"{name}.branch1", 2)
    left = layers.ReLU(name=f"{name}.branch1.4")(left)
    right = branch2(x, filters // 2, 2, name)
    return own_layers.ChannelShuffle(name=f"{name}.shuffle")([left, right])


def unit(x, name: str) -> Tensor:
    """Convolve one half of the channels and pass the other: (B, H, W, C), the same shape."""
    left, right = own_layers.ChannelSplit(name=f"{name}.split")(x)
    right = branch2(right, x.shape[-1] // 2, 1, name)
    return own_layers.ChannelShuffle(name=f"{name}.shuffle")([left, right])


def branch2(x, filters: int, strides: int, name: str) -> Tensor:
    """Apply 1x1, depthwise 3x3, 1x1: (B, H, W, C) to (B, ceil(H / strides), ..., filters)."""
    name = f"{name}.branch2"
    x = layers.ReLU(name=f"{name}.2")(conv_norm(x, filters, 1, 1, name, 0))
    x = depthwise_norm(x, strides, name, 3)
    return layers.ReLU(name=f"{name}.7")(conv_norm(x, filters, 1, 1, name, 5))


def conv_norm(x, filters: int, kernel_size: int, strides: int, name: str, place: int) -> Tensor:
    """Apply a convolution and a norm, number `place` and `place` + 1 of the sequence `name`."""
    x = conv(x, filters, kernel_size, strides, f"{name}.{place}", PYTORCH_START)
    return norm(x, f"{name}.{place + 1}")


def depthwise_norm(x, strides: int, name: str, place: int) -> Tensor:
    """Apply a 3x3 depthwise convolution and a norm, named as in `conv_norm`."""
    conv_name = f"{name}.{place}"
    options = {"use_bias": False, "depthwise_initializer": DEPTHWISE_START, "name": conv_name}
    convolution = layers.DepthwiseConv2D(3, strides, padding(strides), **options)
    return norm(convolution(pad(x, 3, strides, conv_name)), f"{name}.{place + 1}")


def _row(name: str, parameters: int, channels: tuple[int, int, int], file: str) -> Network:
    return Network(
        name=name,
        graph=partial(shufflenet, channels=channels),
        input_size=(225, 321),
        preprocessing=PREPROCESSING["torch"],
        parameters=parameters,
        features=1024,
        stages=("maxpool", "stage2.3.shuffle", "stage3.7.shuffle", "stage4.3.shuffle", "features"),
        layouts={"torch": torch_layout(head="fc")},
        weights=imagenet(file, "Ma et al., ShuffleNet V2, ECCV 2018, arXiv:1807.11164"),
    )


NETWORKS = (
    _row("shufflenet_v2_x0_5", 342_817, (48, 96, 192), "shufflenetv2_x0.5-f707e7126e"),
    _row("shufflenet_v2_x1_0", 1_254_629, (116, 232, 464), "shufflenetv2_x1-5666bf0f80"),
)
