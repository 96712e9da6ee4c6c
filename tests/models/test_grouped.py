"""The grouped convolution against Keras' own layer and against a dense kernel with zeros."""

import json
import os
import subprocess
import sys
from unittest import mock

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from covid_keras.models import grouped
from covid_keras.models.grouped import GroupedConv2D

CASES = [
    (8, 8, 3, 1, 2),
    (12, 24, 3, 2, 3),
    (64, 32, 1, 1, 4),
    (160, 160, 3, 2, 5),
    (6, 6, 5, 1, 6),
]
"""Channels, filters, side of the kernel, stride, groups."""


@pytest.fixture(params=["backend", "merged"])
def form(request):
    """Either form of the layer; the backend's where this processor has it."""
    if request.param == "merged":
        with mock.patch.object(grouped, "_backend_is_fast", return_value=False):
            yield request.param
    elif grouped._backend_is_fast("float32"):
        yield request.param
    else:
        pytest.skip("TensorFlow runs without oneDNN here")


def images(channels: int, height: int = 9, width: int = 6) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(2, height, width, channels)).astype("float32")


def built(case, **kwargs) -> GroupedConv2D:
    channels, filters, side, stride, groups = case
    layer = GroupedConv2D(filters, side, stride, groups, **kwargs)
    layer.build((None, None, None, channels))
    kernel = np.random.default_rng(2).normal(size=layer.kernel.shape)
    layer.kernel.assign(kernel / (side * (channels // groups) ** 0.5))
    return layer


def dense_convolution(x, kernel, groups: int, stride: int):
    """By one dense convolution, whose kernel is written group by group."""
    side, _, size, filters = kernel.shape
    zeros = [tf.zeros((side, side, size, filters // groups))] * groups
    rows = [
        tf.concat([part if g == i else zeros[g] for g in range(groups)], axis=3)
        for i, part in enumerate(tf.split(kernel, groups, axis=3))
    ]
    pad = (side - 1) // 2
    x = tf.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    return tf.nn.conv2d(x, tf.concat(rows, axis=2), stride, "VALID")


@pytest.mark.parametrize("case", CASES)
def test_equals_keras(case, form):
    channels, filters, side, stride, groups = case
    layer, x = built(case), images(channels)
    theirs = keras.layers.Conv2D(filters, side, stride, "valid", groups=groups, use_bias=False)
    pad = (side - 1) // 2
    padded = np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    theirs.build(padded.shape)
    theirs.set_weights(layer.get_weights())
    found = layer(x)
    assert tuple(found.shape) == layer.compute_output_shape(x.shape)
    np.testing.assert_allclose(found, theirs(padded), atol=1e-5)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("compiled", [None, False, True])
def test_gradients_equal_a_dense_convolution(case, form, compiled):
    if form == "backend" and compiled:
        pytest.skip("merged under XLA")
    layer, x = built(case), tf.constant(images(case[0]))
    weights = tf.constant(np.random.default_rng(3).normal(size=layer(x).shape), tf.float32)

    def gradients(call):
        with tf.GradientTape() as tape:
            tape.watch(x)
            total = tf.reduce_sum(call(x) * weights)
        return tape.gradient(total, (x, layer.kernel.value))

    expected = gradients(lambda x: dense_convolution(x, layer.kernel.value, case[4], case[3]))
    function = gradients if compiled is None else tf.function(gradients, jit_compile=compiled)
    for ours, theirs in zip(function(layer), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5 * float(tf.reduce_max(abs(theirs))))


def test_under_xla_groups_are_merged():
    layer, x = built((8, 8, 3, 1, 2)), images(8)
    seen = []
    for compiled in (False, True):

        @tf.function(jit_compile=compiled)
        def call(x):
            with mock.patch.object(layer, "_merged", wraps=layer._merged) as merged:
                outputs = layer(x)
                seen.append(merged.called)
            return outputs

        call(x)
    assert seen == [not grouped._backend_is_fast("float32"), True]


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16", "float64"])
def test_other_dtypes_train(policy):
    layer, x = built((8, 16, 3, 2, 4), dtype=policy), tf.constant(images(8))
    with tf.GradientTape() as tape:
        outputs = layer(x)
        total = tf.reduce_sum(tf.cast(outputs, "float32") ** 2)
    assert outputs.dtype == layer.compute_dtype
    gradient = tape.gradient(total, layer.kernel.value)
    assert gradient.dtype == layer.variable_dtype and np.abs(gradient).max() > 0
    expected = dense_convolution(x, tf.cast(layer.kernel.value, "float32"), 4, 2)
    tolerance = 1e-5 if policy == "float64" else 0.05
    np.testing.assert_allclose(tf.cast(outputs, "float32"), expected, atol=tolerance)


def test_initial_deviation_is_torchvisions():
    layer = GroupedConv2D(256, 3, groups=32)
    layer.build((None, None, None, 256))
    assert np.std(layer.kernel) == pytest.approx((2 / (9 * 256)) ** 0.5, rel=0.02)


def test_fit_save_and_reload(tmp_path, form):
    inputs = keras.Input((None, None, 8))
    x = GroupedConv2D(16, 3, 2, groups=4, name="grouped")(inputs)
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x))
    assert model.get_layer("grouped").output.shape == (None, None, None, 16)
    model.compile("sgd", "mse", jit_compile=False)
    before = model.get_weights()[0]
    model.fit(images(8), np.ones((2, 16)), verbose=0)
    assert np.abs(model.get_weights()[0] - before).max() > 0
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again(images(8)), model(images(8)))


@pytest.mark.parametrize("channels, filters", [(9, 8), (8, 9)])
def test_groups_must_divide(channels, filters):
    with pytest.raises(ValueError, match="groups divide"):
        GroupedConv2D(filters, 3, groups=4).build((None, None, None, channels))


def test_block_diagonal_places_each_group():
    kernel = ops.reshape(ops.arange(1, 5, dtype="float32"), (1, 1, 1, 4))
    found = ops.convert_to_numpy(grouped.block_diagonal(kernel, 2))[0, 0]
    np.testing.assert_array_equal(found, [[1, 2, 0, 0], [0, 0, 3, 4]])


JAX = """
import json, sys
import jax, keras, numpy as np
from covid_keras.models.grouped import GroupedConv2D
layer = GroupedConv2D(24, 3, 2, groups=3)
layer.build((None, None, None, 12))
layer.kernel.assign(np.random.default_rng(2).normal(size=layer.kernel.shape) / 6)
x = np.random.default_rng(1).normal(size=(2, 9, 6, 12)).astype("float32")
total = lambda kernel: (layer.stateless_call([kernel], [], x)[0] ** 2).sum()
gradient = jax.grad(total)(layer.kernel.value)
json.dump([np.asarray(layer(x)).tolist(), np.asarray(gradient).tolist()], sys.stdout)
"""


@pytest.mark.slow
def test_jax_gives_the_same():
    pytest.importorskip("jax")
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    done = subprocess.run(
        [sys.executable, "-c", JAX], env=environment, capture_output=True, text=True, check=True
    )
    outputs, gradient = (np.array(values) for values in json.loads(done.stdout))
    kernel = tf.constant(np.random.default_rng(2).normal(size=(3, 3, 4, 24)) / 6, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(kernel)
        expected = dense_convolution(images(12), kernel, 3, 2)
        total = tf.reduce_sum(expected**2)
    np.testing.assert_allclose(outputs, expected, atol=1e-5)
    np.testing.assert_allclose(gradient, tape.gradient(total, kernel), rtol=1e-3, atol=1e-4)
