"""Layers that Keras does not have in this form: input normalisation, BiT's and ShuffleNet's layers.

They use `keras.ops` only, compile under XLA and run on TensorFlow and JAX.
"""

from collections.abc import Callable

import keras
from keras import ops

from covid_keras.utils.backend import Tensor


@keras.saving.register_keras_serializable(package="covid_keras")
class Normalise(keras.layers.Layer):
    """Turn grey slices (B, H, W, 1) in [0, 255] into (B, H, W, 3): (x - offset) / scale.

    Computed in float32, returned in the policy's compute dtype. `offset` and `scale` are one
    number, or one per channel.
    """

    def __init__(self, offset, scale, **kwargs) -> None:
        super().__init__(**kwargs)
        self.offset = offset
        self.scale = scale

    def call(self, images) -> Tensor:
        images = ops.cast(images, "float32")
        images = ops.broadcast_to(images, (*ops.shape(images)[:3], 3))
        offset = ops.convert_to_tensor(self.offset, "float32")
        scale = ops.convert_to_tensor(self.scale, "float32")
        return ops.cast((images - offset) / scale, self.compute_dtype)

    def compute_output_shape(self, input_shape) -> tuple:
        return (*input_shape[:3], 3)


@keras.saving.register_keras_serializable(package="covid_keras")
class GroupNormalization(keras.layers.Layer):
    """Group normalisation over the last axis of (B, H, W, C), fast on CPU and GPU.

    Equal to `keras.layers.GroupNormalization` (Wu and He 2018, arXiv:1803.08494). Mean and
    variance are taken per channel and then averaged within groups, on (B, C) values, so the large
    tensor is never reshaped, and is normalised with one multiplication and one addition. The
    variance is taken around the mean, not as E[x^2] - E[x]^2, which cancels in float32. In
    training the gradient is the closed form; elsewhere (Grad-CAM, export) the backend derives it,
    so that saved graphs hold plain operations only. Statistics, gamma and beta are always float32.

    Args:
        groups: number of groups; a ValueError on build unless it divides C.
        epsilon: added to the variance. BiT uses 1e-5 (Keras' own default is 1e-3).
    """

    def __init__(self, groups: int = 32, epsilon: float = 1e-5, **kwargs) -> None:
        super().__init__(**kwargs)
        self.groups = groups
        self.epsilon = epsilon

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        channels = input_shape[-1]
        if channels is None or channels % self.groups:
            raise ValueError(
                f"GroupNormalization: expected a number of channels that {self.groups} groups "
                f"divide. Received: input_shape={tuple(input_shape)}"
            )
        kind = {"shape": (channels,), "autocast": False}
        self.gamma = self.add_weight(name="gamma", initializer="ones", **kind)
        self.beta = self.add_weight(name="beta", initializer="zeros", **kind)

    def call(self, inputs, training: bool = False) -> Tensor:
        x = ops.cast(inputs, "float32")
        gamma, beta = (ops.reshape(w, (1, 1, 1, -1)) for w in (self.gamma, self.beta))
        if training:
            y = ops.custom_gradient(self._normalise_with_gradient)(x, gamma, beta)
        else:
            y = self._normalise(x, gamma, beta, *self._moments(x))
        return ops.cast(y, self.compute_dtype)

    def _moments(self, x) -> tuple[Tensor, Tensor]:
        """Return mean and 1 / deviation of each channel's group: (B, 1, 1, C) float32 each."""
        mean = ops.mean(x, axis=(1, 2), keepdims=True)
        variance = ops.mean(ops.square(x - mean), axis=(1, 2), keepdims=True)
        group_mean = self._mean_of_group(mean)
        group_variance = self._mean_of_group(variance + ops.square(mean - group_mean))
        return group_mean, ops.rsqrt(group_variance + self.epsilon)

    def _normalise(self, x, gamma, beta, mean, inverse) -> Tensor:
        scale = inverse * gamma
        return x * scale + (beta - mean * scale)

    def _normalise_with_gradient(self, x, gamma, beta) -> tuple[Tensor, Callable]:
        """Return the output and a function for its gradient in closed form."""
        # With z = (x - mean) * inverse and means over a group, dx is
        # inverse * (gamma * dy - mean(gamma * dy) - z * mean(gamma * dy * z)). It is linear in x
        # and dy, and takes two passes over the large tensors instead of the chain rule's five.
        mean, inverse = self._moments(x)

        def gradient(*arguments, upstream=None) -> tuple[Tensor, Tensor, Tensor]:
            dy = arguments[0] if upstream is None else upstream
            mean_dy = ops.mean(dy, axis=(1, 2), keepdims=True)
            mean_dy_z = (ops.mean(dy * x, axis=(1, 2), keepdims=True) - mean_dy * mean) * inverse
            along_z = self._mean_of_group(gamma * mean_dy_z) * ops.square(inverse)
            constant = self._mean_of_group(gamma * mean_dy) * inverse - along_z * mean
            dx = dy * (inverse * gamma) - (x * along_z + constant)
            pixels = ops.cast(ops.shape(x)[1] * ops.shape(x)[2], "float32")
            dgamma = ops.sum(mean_dy_z, axis=0, keepdims=True) * pixels
            dbeta = ops.sum(mean_dy, axis=0, keepdims=True) * pixels
            return dx, dgamma, dbeta

        return self._normalise(x, gamma, beta, mean, inverse), gradient

    def _mean_of_group(self, x) -> Tensor:
        """Return the mean over each group, repeated for its channels: (B, 1, 1, C), the same."""
        size = x.shape[-1] // self.groups
        means = ops.mean(ops.reshape(x, (-1, self.groups, size)), axis=-1)
        return ops.reshape(ops.repeat(means, size, axis=-1), (-1, 1, 1, x.shape[-1]))

    def compute_output_shape(self, input_shape) -> tuple:
        return input_shape


class SymmetricConv2D(keras.layers.Layer):
    """Base of the convolutions without bias that pad (k - 1) // 2 zeros on both sides, as PyTorch.

    (B, H, W, C) to (B, ceil(H / strides), ceil(W / strides), filters), in the policy's compute
    dtype. TensorFlow's "same" pads by the parity of the input if the stride is not 1.

    Args:
        filters: number of output channels.
        kernel_size: side of the square kernel in pixels; odd.
    """

    def __init__(self, filters: int, kernel_size: int = 1, strides: int = 1, **kwargs) -> None:
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides

    def padded(self, inputs) -> tuple[Tensor, str]:
        """Return the inputs, with zeros around them if needed, and the convolution's padding."""
        if self.strides == 1:
            return inputs, "same"
        pad = (self.kernel_size - 1) // 2
        if pad:
            inputs = ops.pad(inputs, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
        return inputs, "valid"

    def compute_output_shape(self, input_shape) -> tuple:
        batch, *sides, _ = input_shape
        sides = [side if side is None else -(-side // self.strides) for side in sides]
        return (batch, *sides, self.filters)


@keras.saving.register_keras_serializable(package="covid_keras")
class StandardizedConv2D(SymmetricConv2D):
    """2D convolution whose kernel has mean 0 and variance 1 over each output filter.

    Weight standardisation (Qiao et al. 2019, arXiv:1903.10520) as in BiT: 1e-10 is added to the
    variance. The kernel (k, k, C, filters) is stored and standardised in float32.
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        shape = (self.kernel_size, self.kernel_size, input_shape[-1], self.filters)
        self.kernel = self.add_weight(
            name="kernel", shape=shape, initializer="he_normal", autocast=False
        )

    def call(self, inputs) -> Tensor:
        kernel = ops.cast(self.standardized_kernel(), self.compute_dtype)
        inputs, padding = self.padded(inputs)
        return ops.conv(inputs, kernel, self.strides, padding, data_format="channels_last")

    def standardized_kernel(self) -> Tensor:
        """Return the kernel that the convolution uses: (k, k, C, filters) float32."""
        kernel = ops.convert_to_tensor(self.kernel)
        kernel = kernel - ops.mean(kernel, axis=(0, 1, 2), keepdims=True)
        variance = ops.mean(ops.square(kernel), axis=(0, 1, 2), keepdims=True)
        return kernel * ops.rsqrt(variance + 1e-10)


@keras.saving.register_keras_serializable(package="covid_keras")
class ChannelSplit(keras.layers.Layer):
    """Split the channels into halves: (B, H, W, C) to two of (B, H, W, C / 2)."""

    def call(self, inputs) -> Tensor:
        return ops.split(inputs, 2, axis=-1)


@keras.saving.register_keras_serializable(package="covid_keras")
class ChannelShuffle(keras.layers.Layer):
    """Interleave the channels of two inputs (B, H, W, C): (B, H, W, 2 C), a0, b0, a1, b1, ...

    Equal to ShuffleNet's concatenation and shuffle with two groups.
    """

    def call(self, inputs) -> Tensor:
        left, right = inputs
        height, width = ops.shape(left)[1:3]
        channels = left.shape[-1]
        x = ops.concatenate([left, right], axis=-1)
        x = ops.reshape(x, (-1, height, width, 2, channels))
        x = ops.transpose(x, (0, 1, 2, 4, 3))
        return ops.reshape(x, (-1, height, width, 2 * channels))

    def compute_output_shape(self, input_shapes) -> tuple:
        (*sides, channels), _ = input_shapes
        return (*sides, 2 * channels)
