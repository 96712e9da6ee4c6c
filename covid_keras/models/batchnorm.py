"""Batch normalisation with the numbers of Keras' layer that trains faster in TensorFlow."""

from collections.abc import Callable

import keras
from keras import ops

from covid_keras.models.lazy import tf
from covid_keras.utils.backend import Tensor

FUSED_MULTIPLE = 16
"""oneDNN's fused normalisation is slow unless this divides the number of channels."""


KERAS_MOMENTUM = 0.99
"""Of keras.applications and of Keras' layer by default; made for long training."""


def short_momentum(steps: int) -> float:
    """Return the momentum with which the first statistics count 1 in 10,000 after `steps` steps.

    At most Keras' own: with it they count 79 in 100 after 24 steps, and a network of 98 % in
    training was at 50 % at inference.

    Example:
        >>> round(short_momentum(24), 2), short_momentum(10_000)
        (0.68, 0.99)
    """
    return min(KERAS_MOMENTUM, 1e-4 ** (1 / max(steps, 1)))


def shorten_momentum(network: keras.Model, steps: int) -> None:
    """Give layers of Keras' momentum the one for `steps` steps; PyTorch's 0.9 is kept."""
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization) and layer.momentum == KERAS_MOMENTUM:
            layer.momentum = short_momentum(steps)


@keras.saving.register_keras_serializable(package="covid_keras")
class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` (Ioffe and Szegedy 2015, arXiv:1502.03167), faster.

    A training step uses TensorFlow's fused operation or, if that is slow, the closed form of the
    gradient, over the last axis of (B, H, W, C) and in float32, also under mixed precision.
    Outputs, gradients and moving statistics (of the biased variance) equal Keras', up to rounding.
    Keras' own code, in separate operations, runs in all other cases: inference, frozen layers,
    other shapes and dtypes, masks, renormalisation, synchronised statistics, other backends.
    """

    def call(self, inputs, training=None, mask=None) -> Tensor:
        if not (training and self.trainable and mask is None and self._is_plain(inputs)):
            return super().call(inputs, training=training, mask=mask)
        x = ops.cast(inputs, "float32")
        channels = x.shape[-1]
        gamma = ops.cast(self.gamma, "float32") if self.scale else ops.ones((channels,))
        beta = ops.cast(self.beta, "float32") if self.center else ops.zeros((channels,))
        normalise = _closed if channels % FUSED_MULTIPLE else _fused
        outputs, mean, variance = normalise(x, gamma, beta, self.epsilon)
        for moving, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            old = ops.cast(moving, "float32")
            moving.assign(old * self.momentum + value * (1 - self.momentum))
        return ops.cast(outputs, self.compute_dtype)

    def _is_plain(self, inputs) -> bool:
        return (
            keras.config.backend() == "tensorflow"
            and len(inputs.shape) == 4
            and self.axis in (-1, 3)
            and keras.backend.result_type(inputs.dtype, "float32") == "float32"
            and not (self.renorm or self.synchronized)
        )


def _fused(x, gamma, beta, epsilon: float) -> tuple[Tensor, Tensor, Tensor]:
    """Return outputs, mean and variance of the batch, by TensorFlow's operation."""
    fused = tf.raw_ops.FusedBatchNormV3(
        x=x, scale=gamma, offset=beta, mean=(), variance=(), epsilon=epsilon, is_training=True
    )
    n = _pixels(x)  # TensorFlow divides the variance by n - 1
    return fused.y, fused.batch_mean, fused.batch_variance * ((n - 1) / n)


def _closed(x, gamma, beta, epsilon: float) -> tuple[Tensor, Tensor, Tensor]:
    """Return outputs, mean and variance of the batch; the gradient is in closed form."""

    @ops.custom_gradient
    def normalise(x, gamma, beta) -> tuple[tuple[Tensor, Tensor, Tensor], Callable]:
        mean = ops.mean(x, axis=(0, 1, 2))
        variance = ops.mean(ops.square(x - mean), axis=(0, 1, 2))
        inverse = ops.rsqrt(variance + epsilon)
        scale = inverse * gamma

        def gradient(dy, *_) -> tuple[Tensor, Tensor, Tensor]:
            mean_dy = ops.mean(dy, axis=(0, 1, 2))
            mean_dy_z = (ops.mean(dy * x, axis=(0, 1, 2)) - mean_dy * mean) * inverse
            along = scale * inverse * mean_dy_z
            dx = dy * scale - (x * along + (scale * mean_dy - along * mean))
            n = _pixels(x)
            return dx, mean_dy_z * n, mean_dy * n

        return (x * scale + (beta - mean * scale), mean, variance), gradient

    outputs, mean, variance = normalise(x, gamma, beta)
    return outputs, ops.stop_gradient(mean), ops.stop_gradient(variance)


def _pixels(x) -> Tensor:
    """Return the number of values per channel of (B, H, W, C), float32."""
    return ops.cast(ops.prod(ops.shape(x)[:3]), "float32")
