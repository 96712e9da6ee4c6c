"""Grouped convolution that also trains on a CPU.

On TensorFlow, `keras.layers.Conv2D(groups=32)` compiles every grouped convolution with XLA, whose
gradient on a CPU takes hundreds of times longer than the same convolution through oneDNN.
"""

import functools

import keras
from keras import ops

from covid_keras.models.layers import SymmetricConv2D
from covid_keras.utils import backend

MERGED_CHANNELS = 64
"""Input channels of one dense convolution if groups are merged."""


@keras.saving.register_keras_serializable(package="covid_keras")
class GroupedConv2D(SymmetricConv2D):
    """2D convolution in groups (Xie et al. 2017, arXiv:1611.05431).

    Output channels g * filters / groups onwards see input channels g * C / groups onwards only.
    One of two forms is used, equal in exact arithmetic:

    - the backend's grouped convolution, on a GPU and through TensorFlow's oneDNN kernels;
    - merged: dense convolutions over `MERGED_CHANNELS` channels each, whose kernels are zero
      between groups. On a CPU, if the first has no gradient or a very slow one: under XLA, in
      JAX, without oneDNN, in float16 and float64.

    Args:
        filters: number of output channels; `groups` must divide it.
        kernel_size, strides: as in `SymmetricConv2D`.
        groups: number of groups; must divide C.
        use_bias: add one float32 number per output channel.

    The kernel is (k, k, C // groups, filters), as in Keras' Conv2D, and starts as He normal over
    the outgoing connections, as torchvision's.

    Raises:
        ValueError: `groups` does not divide `filters` or, on build, C.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        strides: int = 1,
        groups: int = 1,
        use_bias: bool = False,
        **kwargs,
    ) -> None:
        super().__init__(filters, kernel_size, strides, **kwargs)
        self.groups = groups
        self.use_bias = use_bias
        self._check_divisible("filters", filters)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        channels = input_shape[-1]
        self._check_divisible("channels", channels)
        deviation = (2 / (self.kernel_size**2 * self.filters)) ** 0.5
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.kernel_size, self.kernel_size, channels // self.groups, self.filters),
            initializer=keras.initializers.RandomNormal(stddev=deviation),
        )
        if self.use_bias:
            self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")

    def _check_divisible(self, what: str, count: int | None) -> None:
        if count is None or count % self.groups:
            raise ValueError(
                f"GroupedConv2D: expected a number of {what} that {self.groups} groups divide. "
                f"Received: {what}={count}"
            )

    def call(self, inputs):
        outputs = self._convolve(inputs)
        return outputs + self.bias if self.use_bias else outputs

    def _convolve(self, inputs):
        kernel = ops.convert_to_tensor(self.kernel)
        inputs, padding = self.padded(inputs)
        if self.groups > 1 and not _backend_is_fast(self.compute_dtype):
            return self._merged(inputs, kernel, padding)
        if keras.config.backend() == "tensorflow":
            import tensorflow as tf

            return tf.nn.conv2d(inputs, kernel, self.strides, padding.upper())
        return ops.conv(inputs, kernel, self.strides, padding, data_format="channels_last")

    def _merged(self, inputs, kernel, padding: str):
        size = kernel.shape[2]
        together = max(
            count
            for count in range(1, self.groups + 1)
            if self.groups % count == 0 and (count == 1 or count * size <= MERGED_CHANNELS)
        )
        parts = self.groups // together
        kernels = [block_diagonal(k, together) for k in ops.split(kernel, parts, axis=-1)]
        outputs = [
            ops.conv(x, k, self.strides, padding, data_format="channels_last")
            for x, k in zip(ops.split(inputs, parts, axis=-1), kernels, strict=True)
        ]
        return ops.concatenate(outputs, axis=-1)

    def get_config(self) -> dict:
        return {**super().get_config(), "groups": self.groups, "use_bias": self.use_bias}


def block_diagonal(kernel, groups: int):
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
    import tensorflow as tf
    from tensorflow.python.ops import control_flow_util

    graph = tf.compat.v1.get_default_graph()
    under_xla = control_flow_util.GraphOrParentsInXlaContext(graph)
    return not under_xla and _has_gradient(dtype)


@functools.cache
def _has_gradient(dtype: str) -> bool:
    """Return whether TensorFlow's grouped convolution on this CPU has a gradient in `dtype`.

    oneDNN has the kernels, TensorFlow itself does not; no public call tells, so it is tried.
    """
    import tensorflow as tf

    image, kernel = (1, 4, 4, 4), (3, 3, 2, 4)
    common = {"strides": (1, 1, 1, 1), "padding": "SAME"}
    with tf.init_scope():
        ones = tf.ones(image, dtype)
        try:
            tf.raw_ops.Conv2DBackpropInput(
                input_sizes=image, filter=tf.ones(kernel, dtype), out_backprop=ones, **common
            )
            tf.raw_ops.Conv2DBackpropFilter(
                input=ones, filter_sizes=kernel, out_backprop=ones, **common
            )
        except tf.errors.InvalidArgumentError:
            return False
    return True
