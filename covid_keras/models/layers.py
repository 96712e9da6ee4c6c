"""The two layers that BiT needs and Keras does not have in this form.

Both use `keras.ops` only, keep their arithmetic in float32 under mixed precision, compile under
XLA and run on TensorFlow and JAX.
"""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="covid_keras")
class GroupNormalization(keras.layers.Layer):
    """Group normalisation over the last axis of (B, H, W, C), fast on CPU and GPU.

    Equal to `keras.layers.GroupNormalization` (Wu and He 2018, arXiv:1803.08494). Mean and
    variance are taken per channel and joined into groups afterwards, on (B, C) values, so the
    large tensor is never reshaped, and is normalised with one multiplication and one addition.
    The variance is taken around the mean, not as E[x^2] - E[x]^2, which cancels in float32.
    In training the gradient is the closed form; elsewhere (Grad-CAM, export) it is left to the
    backend, so that saved graphs hold plain operations only.

    Args:
        groups: number of groups; must divide C.
        epsilon: added to the variance. BiT uses 1e-5 (Keras' own default is 1e-3).

    Input and output: floating point (B, H, W, C), same shape, the policy's compute dtype.
    Statistics, gamma and beta are float32 always.

    Raises:
        ValueError: on build, where `groups` does not divide C.
    """

    def __init__(self, groups: int = 32, epsilon: float = 1e-5, **kwargs):
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
        self.gamma = self.add_weight(
            name="gamma", shape=(channels,), initializer="ones", autocast=False
        )
        self.beta = self.add_weight(
            name="beta", shape=(channels,), initializer="zeros", autocast=False
        )

    def call(self, inputs, training: bool = False):
        x = ops.cast(inputs, "float32")
        gamma, beta = (ops.reshape(w, (1, 1, 1, -1)) for w in (self.gamma, self.beta))
        if training:
            y = ops.custom_gradient(self._normalise_with_gradient)(x, gamma, beta)
        else:
            y = self._normalise(x, gamma, beta, *self._moments(x))
        return ops.cast(y, self.compute_dtype)

    def _moments(self, x):
        """Mean and 1 / standard deviation of the channel's group: (B, 1, 1, C) float32 each."""
        mean = ops.mean(x, axis=(1, 2), keepdims=True)
        variance = ops.mean(ops.square(x - mean), axis=(1, 2), keepdims=True)
        group_mean = self._mean_of_group(mean)
        group_variance = self._mean_of_group(variance + ops.square(mean - group_mean))
        return group_mean, ops.rsqrt(group_variance + self.epsilon)

    def _normalise(self, x, gamma, beta, mean, inverse):
        scale = inverse * gamma
        return x * scale + (beta - mean * scale)

    def _normalise_with_gradient(self, x, gamma, beta):
        """The output, and its gradient in closed form.

        With z = (x - mean) * inverse and means over a group, dx is
        inverse * (gamma * dy - mean(gamma * dy) - z * mean(gamma * dy * z)): again one line in x
        and one in dy, with two passes over the large tensors where the chain rule takes five.
        """
        mean, inverse = self._moments(x)

        def gradient(*arguments, upstream=None):
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

    def _mean_of_group(self, x):
        """(B, 1, 1, C) to the mean over the channels of each group, repeated: (B, 1, 1, C)."""
        channels = x.shape[-1]
        size = channels // self.groups
        means = ops.mean(ops.reshape(x, (-1, self.groups, size)), axis=-1)
        return ops.reshape(ops.repeat(means, size, axis=-1), (-1, 1, 1, channels))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self) -> dict:
        return {**super().get_config(), "groups": self.groups, "epsilon": self.epsilon}


@keras.saving.register_keras_serializable(package="covid_keras")
class StandardizedConv2D(keras.layers.Layer):
    """2D convolution whose kernel has mean 0 and variance 1 over each output filter.

    Weight standardisation (Qiao et al. 2019, arXiv:1903.10520) as in BiT: 1e-10 is added to the
    variance, there is no bias, and a kernel of side k is padded with (k - 1) // 2 zeros on both
    sides, for stride 2 as well (TensorFlow's "same" pads by the parity of the input).

    Args:
        filters: number of output channels.
        kernel_size: side of the square kernel in pixels; odd.
        strides: 1 or 2.

    Input: (B, H, W, C). Output: (B, ceil(H / strides), ceil(W / strides), filters), in the
    policy's compute dtype. The kernel (k, k, C, filters) is kept and standardised in float32.
    """

    def __init__(self, filters: int, kernel_size: int = 1, strides: int = 1, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.kernel_size, self.kernel_size, input_shape[-1], self.filters),
            initializer="he_normal",
            autocast=False,
        )

    def call(self, inputs):
        pad = (self.kernel_size - 1) // 2
        if pad and self.strides > 1:
            inputs = ops.pad(inputs, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
        return ops.conv(
            inputs,
            ops.cast(self.standardized_kernel(), self.compute_dtype),
            strides=self.strides,
            padding="same" if self.strides == 1 else "valid",
            data_format="channels_last",
        )

    def standardized_kernel(self):
        """The kernel that the convolution uses: (k, k, C, filters) float32."""
        kernel = ops.convert_to_tensor(self.kernel)
        kernel = kernel - ops.mean(kernel, axis=(0, 1, 2), keepdims=True)
        variance = ops.mean(ops.square(kernel), axis=(0, 1, 2), keepdims=True)
        return kernel * ops.rsqrt(variance + 1e-10)

    def compute_output_shape(self, input_shape):
        batch, *sides, _ = input_shape
        sides = [side if side is None else -(-side // self.strides) for side in sides]
        return (batch, *sides, self.filters)

    def get_config(self) -> dict:
        config = super().get_config()
        own = ("filters", "kernel_size", "strides")
        return {**config, **{name: getattr(self, name) for name in own}}
