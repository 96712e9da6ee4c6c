"""ShuffleNet V2 (Ma et al. 2018, arXiv:1807.11164).

Follows torchvision.models.shufflenetv2; layers are called by its module paths, as
"stage2.0.branch1.0".
"""

import keras
from keras import layers, ops

from covid_keras.models.torch_blocks import conv, layout, max_pool, norm, pad, padding

PYTORCH_START = {
    "class_name": "VarianceScaling",
    "config": {"scale": 1 / 3, "mode": "fan_in", "distribution": "uniform"},
}
"""PyTorch's own first kernels, which torchvision's ShuffleNet keeps."""
DEPTHWISE_START = {
    "class_name": "RandomUniform",
    "config": {"minval": -1 / 3, "maxval": 1 / 3},
}
"""The same for 3x3 depthwise kernels, of which Keras would count all channels as inputs."""

UNITS = {"stage2": 4, "stage3": 8, "stage4": 4}
SIZES = {
    "shufflenet_v2_x0_5": (24, 48, 96, 192, 1024),
    "shufflenet_v2_x1_0": (24, 116, 232, 464, 1024),
}
"""Channels of the stem, the three stages and the last convolution."""


def backbone(name: str, input_shape: tuple[int | None, int | None, int]) -> keras.Model:
    """The network `name` of `SIZES` up to the ReLU after its last convolution.

    Input: (B, H, W, 3), normalised as torchvision does. Output: the layer "features",
    (B, ceil(H / 32), ceil(W / 32), 1024).
    """
    inputs = keras.Input(input_shape, name="image")
    return keras.Model(inputs, shufflenet(inputs, SIZES[name]), name=name)


def shufflenet(x, channels: tuple[int, ...]):
    """The graph from the input tensor `x` (B, H, W, C) to the features."""
    x = conv_norm(x, channels[0], 3, 2, "conv1", 0)
    x = max_pool(layers.ReLU(name="conv1.2")(x), "maxpool")
    for (stage, count), filters in zip(UNITS.items(), channels[1:-1], strict=True):
        x = first_unit(x, filters, f"{stage}.0")
        for index in range(1, count):
            x = unit(x, f"{stage}.{index}")
    x = conv_norm(x, channels[-1], 1, 1, "conv5", 0)
    return layers.ReLU(name="features")(x)


def first_unit(x, filters: int, name: str):
    """The unit that halves the sides: (B, H, W, C) to (B, ceil(H / 2), ceil(W / 2), filters)."""
    left = depthwise_norm(x, 2, f"{name}.branch1", 0)
    left = conv_norm(left, filters // 2, 1, 1, f"{name}.branch1", 2)
    left = layers.ReLU(name=f"{name}.branch1.4")(left)
    right = branch2(x, filters // 2, 2, name)
    return ChannelShuffle(name=f"{name}.shuffle")([left, right])


def unit(x, name: str):
    """Half of the channels pass, the others are convolved: (B, H, W, C), the same shape."""
    left, right = ChannelSplit(name=f"{name}.split")(x)
    right = branch2(right, x.shape[-1] // 2, 1, name)
    return ChannelShuffle(name=f"{name}.shuffle")([left, right])


def branch2(x, filters: int, strides: int, name: str):
    """1x1, depthwise 3x3, 1x1: (B, H, W, C) to (B, ceil(H / strides), ..., filters)."""
    name = f"{name}.branch2"
    x = layers.ReLU(name=f"{name}.2")(conv_norm(x, filters, 1, 1, name, 0))
    x = depthwise_norm(x, strides, name, 3)
    return layers.ReLU(name=f"{name}.7")(conv_norm(x, filters, 1, 1, name, 5))


def conv_norm(x, filters: int, kernel_size: int, strides: int, name: str, place: int):
    """A convolution and a norm at `place` and `place` + 1 of torchvision's sequence `name`."""
    x = conv(x, filters, kernel_size, strides, f"{name}.{place}", PYTORCH_START)
    return norm(x, f"{name}.{place + 1}")


def depthwise_norm(x, strides: int, name: str, place: int):
    """The same with a 3x3 convolution of each channel by itself."""
    conv_name = f"{name}.{place}"
    x = layers.DepthwiseConv2D(
        3,
        strides,
        padding(strides),
        use_bias=False,
        depthwise_initializer=DEPTHWISE_START,
        name=conv_name,
    )(pad(x, 3, strides, conv_name))
    return norm(x, f"{name}.{place + 1}")


@keras.saving.register_keras_serializable(package="covid_keras")
class ChannelSplit(layers.Layer):
    """The first and the last half of the channels: (B, H, W, C) to two of (B, H, W, C / 2)."""

    def call(self, inputs):
        return ops.split(inputs, 2, axis=-1)


@keras.saving.register_keras_serializable(package="covid_keras")
class ChannelShuffle(layers.Layer):
    """Two inputs (B, H, W, C) to (B, H, W, 2 C) with their channels in turn: a0, b0, a1, b1, ...

    Equal to ShuffleNet's concatenation and shuffle with two groups.
    """

    def call(self, inputs):
        left, right = inputs
        height, width = ops.shape(left)[1:3]
        channels = left.shape[-1]
        x = ops.concatenate([left, right], axis=-1)
        x = ops.reshape(x, (-1, height, width, 2, channels))
        x = ops.transpose(x, (0, 1, 2, 4, 3))
        return ops.reshape(x, (-1, height, width, 2 * channels))

    def compute_output_shape(self, input_shapes):
        (*sides, channels), _ = input_shapes
        return (*sides, 2 * channels)


LAYOUTS = {"torch": layout(head="fc")}
