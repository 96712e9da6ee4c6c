"""GroupNormalization against float64 and Keras' layer; StandardizedConv2D against NumPy."""

import keras
import numpy as np
import pytest
from keras import ops

from covid_keras.models.layers import GroupNormalization, StandardizedConv2D


def reference(x: np.ndarray, groups: int = 32, epsilon: float = 1e-5) -> np.ndarray:
    """Group normalisation in float64, by its definition."""
    batch, height, width, channels = x.shape
    grouped = x.astype(np.float64).reshape(batch, height, width, groups, channels // groups)
    mean = grouped.mean((1, 2, 4), keepdims=True)
    variance = grouped.var((1, 2, 4), keepdims=True)
    return ((grouped - mean) / np.sqrt(variance + epsilon)).reshape(x.shape)


def random_layer(channels: int, layer: keras.layers.Layer) -> keras.layers.Layer:
    layer.build((None, None, None, channels))
    generator = np.random.default_rng(1)
    layer.gamma.assign(generator.normal(1, 0.3, channels))
    layer.beta.assign(generator.normal(0, 0.3, channels))
    return layer


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("mean, tolerance", [(0, 2e-6), (100, 1e-4), (1000, 1e-3)])
def test_no_cancellation_far_from_zero(mean, tolerance, training):
    x = np.random.default_rng(0).normal(mean, 1, (2, 17, 13, 64)).astype("float32")
    found = ops.convert_to_numpy(GroupNormalization()(x, training=training))
    assert np.abs(found - reference(x)).max() < tolerance


def gradients(layer: keras.layers.Layer, x: np.ndarray, training: bool) -> list[np.ndarray]:
    import tensorflow as tf

    target = np.random.default_rng(3).normal(size=x.shape).astype("float32")
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(target * tf.tanh(layer(x, training=training)))
    return [g.numpy() for g in tape.gradient(loss, [x, layer.gamma.value, layer.beta.value])]


@pytest.mark.parametrize("training", [False, True])
def test_outputs_and_gradients_equal_keras_layer(training):
    x = np.random.default_rng(2).normal(0.5, 2, (3, 9, 7, 96)).astype("float32")
    ours = random_layer(96, GroupNormalization())
    peer = random_layer(96, keras.layers.GroupNormalization(32, epsilon=1e-5))
    np.testing.assert_allclose(ours(x, training=training), peer(x), atol=5e-6)
    for a, b in zip(gradients(ours, x, training), gradients(peer, x, False), strict=True):
        np.testing.assert_allclose(a, b, atol=2e-5 * np.abs(b).max())


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_statistics_stay_float32_under_mixed_precision(dtype):
    x = np.random.default_rng(0).normal(300, 4, (2, 16, 16, 64)).astype("float32")
    layer = GroupNormalization(dtype=dtype)
    half = ops.cast(x, layer.compute_dtype)
    found = layer(half)
    assert keras.backend.standardize_dtype(found.dtype) == layer.compute_dtype
    assert layer.gamma.dtype == "float32"
    expected = reference(ops.convert_to_numpy(ops.cast(half, "float32")))
    np.testing.assert_allclose(ops.cast(found, "float32"), expected, atol=0.02)


def test_channels_that_groups_do_not_divide():
    with pytest.raises(ValueError, match=r"Received: input_shape=\(1, 4, 4, 48\)"):
        GroupNormalization().build((1, 4, 4, 48))


def naive_convolution(x: np.ndarray, kernel: np.ndarray, stride: int) -> np.ndarray:
    """BiT's convolution in float64: standardise, pad (k - 1) // 2 zeros, correlate."""
    kernel = kernel.astype(np.float64)
    kernel = kernel - kernel.mean((0, 1, 2))
    kernel = kernel / np.sqrt((kernel**2).mean((0, 1, 2)) + 1e-10)
    side = kernel.shape[0]
    pad = (side - 1) // 2
    x = np.pad(x.astype(np.float64), ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(x, (side, side), axis=(1, 2))
    return np.einsum("bhwcij,ijcf->bhwf", windows[:, ::stride, ::stride], kernel)


@pytest.mark.parametrize("side", [1, 3, 7])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("height, width", [(8, 8), (9, 12), (7, 11)])
def test_convolution_by_definition(side, stride, height, width):
    generator = np.random.default_rng(side)
    x = generator.normal(size=(2, height, width, 4)).astype("float32")
    layer = StandardizedConv2D(6, side, stride)
    layer.build(x.shape)
    layer.kernel.assign(generator.normal(0.3, 0.02, layer.kernel.shape))
    found = ops.convert_to_numpy(layer(x))
    assert found.shape == layer.compute_output_shape(x.shape)
    expected = naive_convolution(x, ops.convert_to_numpy(layer.kernel), stride)
    # The kernel's mean is 15 times its deviation, which costs float32 a digit.
    assert np.abs(found - expected).max() < 5e-5 * np.abs(expected).max()


def test_kernel_gradient_equals_finite_differences():
    """The standardisation is part of the graph: shifting or scaling a filter changes nothing."""
    import tensorflow as tf

    layer = StandardizedConv2D(5, 3)
    layer.build((None, 8, 8, 4))
    layer.kernel.assign(np.random.default_rng(0).normal(0.1, 0.5, layer.kernel.shape))
    x = np.random.default_rng(1).normal(size=(1, 8, 8, 4)).astype("float32")
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(layer(x)) * layer(x))
    gradient = tape.gradient(loss, layer.kernel.value).numpy().astype(np.float64)
    kernel = layer.kernel.numpy().astype(np.float64)

    def value(k: np.ndarray) -> float:
        return (naive_convolution(x, k, 1) ** 3).sum()

    direction = np.random.default_rng(2).normal(size=kernel.shape)
    step = 1e-5
    slope = (value(kernel + step * direction) - value(kernel - step * direction)) / (2 * step)
    assert (gradient * direction).sum() == pytest.approx(slope, rel=1e-4)


@pytest.mark.parametrize(
    "layer", [GroupNormalization(16, 1e-4), StandardizedConv2D(32, 3, 2)], ids=lambda x: x.name
)
def test_config_round_trip(layer):
    twin = type(layer).from_config(layer.get_config())
    assert twin.get_config() == layer.get_config()
