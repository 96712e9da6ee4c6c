"""Grouped convolution that also trains on a CPU.

`keras.layers.Conv2D(groups=32)` compiles every grouped convolution with XLA on TensorFlow, whose
gradient on a CPU is hundreds of times slower than the same convolution through oneDNN.
"""

import functools

import keras
from keras import ops

from covid_keras.utils import backend

MERGED_CHANNELS = 64
"""Input channels of one dense convolution where groups are merged."""


@keras.saving.register_keras_serializable(package="covid_keras")
class GroupedConv2D(keras.layers.Layer):
    """2D convolution in groups (Xie et al. 2017, arXiv:1611.05431), without a bias, as PyTorch's.

    Output channels g * filters / groups onwards see input channels g * C / groups onwards only.
    A kernel of side k is padded with (k - 1) // 2 zeros on both sides, for every stride
    (TensorFlow's "same" pads by the parity of the input).

    One of two forms is used, equal in exact arithmetic:

    - the backend's grouped convolution, on a GPU and through TensorFlow's oneDNN kernels;
    - merged: dense convolutions over `MERGED_CHANNELS` channels each, whose kernels are zero
      between groups. On a CPU, wherever the first has no gradient or a pathological one: under
      XLA, in JAX, with oneDNN off, in float16 and float64.

    Args:
        filters: number of output channels; `groups` must divide it.
        kernel_size: side of the square kernel in pixels; odd.
        strides: 1 or more.
        groups: number of groups; must divide C.

    Input: (B, H, W, C). Output: (B, ceil(H / strides), ceil(W / strides), filters), in the
    policy's compute dtype. The kernel is (k, k, C // groups, filters), as Keras' Conv2D has it,
    and starts as He normal over the outgoing connections, as torchvision's.

    Raises:
        ValueError: where `groups` does not divide `filters` or, on build, C.
    """

    def __init__(
        self, filters: int, kernel_size: int, strides: int = 1, groups: int = 1, **kwargs
    ) -> None:
        super().__init__(**kwargs)
        if filters % groups:
            raise ValueError(
                f"GroupedConv2D: expected a number of filters that {groups} groups divide. "
                f"Received: filters={filters}"
            )
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.groups = groups

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        channels = input_shape[-1]
        if channels is None or channels % self.groups:
            raise ValueError(
                f"GroupedConv2D: expected a number of channels that {self.groups} groups divide. "
                f"Received: input_shape={tuple(input_shape)}"
            )
        deviation = (2 / (self.kernel_size**2 * self.filters)) ** 0.5
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.kernel_size, self.kernel_size, channels // self.groups, self.filters),
            initializer=keras.initializers.RandomNormal(stddev=deviation),
        )

    def call(self, inputs):
        kernel = ops.convert_to_tensor(self.kernel)
        pad = (self.kernel_size - 1) // 2
        padding = "same" if self.strides == 1 else "valid"
        if pad and self.strides > 1:
            inputs = ops.pad(inputs, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
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
        outputs = [
            ops.conv(part, dense, self.strides, padding, data_format="channels_last")
            for part, dense in zip(
                ops.split(inputs, parts, axis=-1),
                (block_diagonal(k, together) for k in ops.split(kernel, parts, axis=-1)),
                strict=True,
            )
        ]
        return outputs[0] if parts == 1 else ops.concatenate(outputs, axis=-1)

    def compute_output_shape(self, input_shape):
        batch, *sides, _ = input_shape
        sides = [side if side is None else -(-side // self.strides) for side in sides]
        return (batch, *sides, self.filters)

    def get_config(self) -> dict:
        own = ("filters", "kernel_size", "strides", "groups")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}


def block_diagonal(kernel, groups: int):
    """The dense kernel that equals a grouped one: (k, k, c, F) to (k, k, groups * c, F)."""
    side, _, size, filters = kernel.shape
    parts = ops.reshape(kernel, (side, side, 1, size, groups, filters // groups))
    mask = ops.reshape(ops.eye(groups, dtype=kernel.dtype), (1, 1, groups, 1, groups, 1))
    return ops.reshape(parts * mask, (side, side, groups * size, filters))


def _backend_is_fast(dtype: str) -> bool:
    """Whether the backend's grouped convolution has a usable gradient where this is traced."""
    if backend.gpu_count():
        return True
    if keras.config.backend() != "tensorflow":
        return False
    return not _under_xla() and _has_gradient(dtype)


def _under_xla() -> bool:
    """Whether TensorFlow is tracing for XLA (tf.function with jit_compile=True)."""
    import tensorflow as tf
    from tensorflow.python.ops import control_flow_util

    graph = tf.compat.v1.get_default_graph()
    return bool(control_flow_util.GraphOrParentsInXlaContext(graph))


@functools.cache
def _has_gradient(dtype: str) -> bool:
    """Whether TensorFlow's grouped convolution on this CPU can be differentiated in `dtype`.

    oneDNN has the kernels, TensorFlow itself does not; tried, since nothing public tells.
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
