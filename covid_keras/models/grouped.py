"""Grouped convolution that also trains on a CPU.

On TensorFlow, `keras.layers.Conv2D(groups=32)` compiles every grouped convolution with XLA, whose
gradient on a CPU takes hundreds of times longer than the same convolution through oneDNN.
"""

import functools

import keras
from keras import ops

from covid_keras.models.layers import SymmetricConv2D
from covid_keras.models.lazy import tf
from covid_keras.utils import backend
from covid_keras.utils.backend import Tensor

MERGED_CHANNELS = 64
"""Input channels of one dense convolution if groups are merged."""


@keras.saving.register_keras_serializable(package="covid_keras")
class GroupedConv2D(SymmetricConv2D):
    """2D convolution in groups (Xie et al. 2017, arXiv:1611.05431).

    One of two forms is used, equal in exact arithmetic:

    - the backend's grouped convolution, on a GPU and through TensorFlow's oneDNN kernels;
    - merged: dense convolutions over `MERGED_CHANNELS` channels each, whose kernels are zero
      between groups. On a CPU, if the first has no gradient or a very slow one: under XLA, in
      JAX, without oneDNN, in float16 and float64.

    The kernel is (k, k, C // groups, filters), as in Keras' Conv2D, and starts as He normal over
    the outgoing connections, as torchvision's.

    Args:
        filters, kernel_size, strides: as in `SymmetricConv2D`.
        groups: number of groups; a ValueError unless it divides `filters` and, on build, C.
        use_bias: add one float32 number per output channel.
    """

    def __init__(
        self, filters: int, kernel_size: int, strides=1, groups=1, use_bias=False, **kwargs
    ) -> None:
        super().__init__(filters, kernel_size, strides, **kwargs)
        self.groups = groups
        self.use_bias = use_bias
        self._check_divisible("filters", filters)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        channels = input_shape[-1]
        self._check_divisible("channels", channels)
        shape = (self.kernel_size, self.kernel_size, channels // self.groups, self.filters)
        start = keras.initializers.RandomNormal(stddev=(2 / (shape[0] ** 2 * self.filters)) ** 0.5)
        self.kernel = self.add_weight(name="kernel", shape=shape, initializer=start)
        if self.use_bias:
            self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")

    def _check_divisible(self, what: str, count: int | None) -> None:
        if count is None or count % self.groups:
            raise ValueError(
                f"GroupedConv2D: expected a number of {what} that {self.groups} groups divide. "
                f"Received: {what}={count}"
            )

    def call(self, inputs) -> Tensor:
        kernel = ops.convert_to_tensor(self.kernel)
        inputs, padding = self.padded(inputs)
        if self.groups > 1 and not _backend_is_fast(self.compute_dtype):
            outputs = self._merged(inputs, kernel, padding)
        elif keras.config.backend() == "tensorflow":
            outputs = tf.nn.conv2d(inputs, kernel, self.strides, padding.upper())
        else:
            outputs = ops.conv(inputs, kernel, self.strides, padding, data_format="channels_last")
        return outputs + self.bias if self.use_bias else outputs

    def _merged(self, inputs, kernel, padding: str) -> Tensor:
        most = max(1, min(self.groups, MERGED_CHANNELS // kernel.shape[2]))
        together = next(n for n in range(most, 0, -1) if self.groups % n == 0)
        parts = self.groups // together
        kernels = [block_diagonal(k, together) for k in ops.split(kernel, parts, axis=-1)]
        outputs = [
            ops.conv(x, k, self.strides, padding, data_format="channels_last")
            for x, k in zip(ops.split(inputs, parts, axis=-1), kernels, strict=True)
        ]
        return ops.concatenate(outputs, axis=-1)


def block_diagonal(kernel, groups: int) -> Tensor:
    """Return the dense kernel that equals a grouped one: (k, k, c, F) to (k, k, groups * c, F)."""
    side, _, size, filters = kernel.shape
    parts = ops.reshape(kernel, (side, side, 1, size, groups, filters // groups))
    mask = ops.reshape(ops.eye(groups, dtype=kernel.dtype), (1, 1, groups, 1, groups, 1))
    return ops.reshape(parts * mask, (side, side, groups * size, filters))


def _backend_is_fast(dtype: str) -> bool:
    """Return whether the backend's grouped convolution has a usable gradient in this trace."""
    if backend.gpu_count():
        return True
    if keras.config.backend() != "tensorflow":
        return False
    from tensorflow.python.ops import control_flow_util

    graph = tf.compat.v1.get_default_graph()
    under_xla = control_flow_util.GraphOrParentsInXlaContext(graph)
    return not under_xla and _has_gradient(dtype)


@functools.cache
def _has_gradient(dtype: str) -> bool:
    """Return whether TensorFlow's grouped convolution on this CPU has a gradient in `dtype`.

    oneDNN has the kernels, TensorFlow itself does not; no public call tells, so it is tried.
    """
    image, kernel = (1, 4, 4, 4), (3, 3, 2, 4)
    with tf.init_scope():
        ones = tf.ones(image, dtype)
        common = {"strides": (1, 1, 1, 1), "padding": "SAME", "out_backprop": ones}
        try:
            filters = tf.ones(kernel, dtype)
            tf.raw_ops.Conv2DBackpropInput(input_sizes=image, filter=filters, **common)
            tf.raw_ops.Conv2DBackpropFilter(input=ones, filter_sizes=kernel, **common)
        except tf.errors.InvalidArgumentError:
            return False
    return True
