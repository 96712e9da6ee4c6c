"""Our batch normalisation against Keras' own layer."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from covid_keras.models.batchnorm import BatchNormalization, short_momentum, shorten_momentum

CHANNELS = [32, 12]
"""Through the fused operation, and in closed form."""


def images(shape) -> np.ndarray:
    return np.random.default_rng(1).normal(2, 3, shape).astype("float32")


def step(kind, x, compiled=None, trainable=True, **kwargs):
    """Outputs, gradients and moving statistics after a training pass over `x`."""
    layer = kind(momentum=0.9, epsilon=1e-5, **kwargs)
    layer.build(x.shape)
    rng = np.random.default_rng(2)
    layer.set_weights([rng.uniform(0.5, 2, w.shape) for w in layer.weights])
    layer.trainable = trainable
    weights = rng.normal(size=x.shape).astype("float32")
    affine = [w.value for w in (layer.gamma, layer.beta) if w is not None]

    def run(x):
        with tf.GradientTape() as tape:
            tape.watch([x, *affine])
            outputs = layer(x, training=True)
            total = tf.reduce_sum(tf.cast(outputs, "float32") * weights)
        return outputs, tape.gradient(total, [x, *affine])

    if compiled is not None:
        run = tf.function(run, jit_compile=compiled)
    outputs, gradients = run(tf.constant(x))
    return [outputs, *gradients, layer.moving_mean.value, layer.moving_variance.value]


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("compiled", [None, False, True])
@pytest.mark.parametrize("scale", [True, False])
def test_equals_keras(channels, compiled, scale):
    x = images((3, 7, 5, channels))
    ours = step(BatchNormalization, x, compiled, scale=scale)
    theirs = step(keras.layers.BatchNormalization, x, scale=scale)
    for found, expected in zip(ours, theirs, strict=True):
        scale_of = float(tf.reduce_max(abs(expected)))
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * scale_of)


@pytest.mark.parametrize("channels", CHANNELS)
def test_mixed_precision_equals_keras(channels):
    x = images((3, 7, 5, channels))
    kinds = (BatchNormalization, keras.layers.BatchNormalization)
    ours, theirs = (step(kind, x, dtype="mixed_bfloat16") for kind in kinds)
    assert [found.dtype for found in ours] == [expected.dtype for expected in theirs]
    for found, expected in zip(ours, theirs, strict=True):
        found, expected = tf.cast(found, "float32"), tf.cast(expected, "float32")
        np.testing.assert_allclose(
            found, expected, rtol=0.02, atol=0.02 * float(np.abs(expected).max())
        )


@pytest.mark.parametrize(
    "shape, options",
    [
        ((4, 16), {}),
        ((2, 16, 5, 6), {"axis": 1}),
        ((2, 5, 6, 16), {"dtype": "float64"}),
        ((2, 5, 6, 16), {"renorm": True}),
        ((2, 5, 6, 16), {"trainable": False}),
    ],
)
def test_other_cases_are_keras_too(shape, options):
    x = images(shape).astype("float64" if options.get("dtype") == "float64" else "float32")
    ours = step(BatchNormalization, x, **options)
    theirs = step(keras.layers.BatchNormalization, x, **options)
    for found, expected in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("channels", CHANNELS)
def test_one_pixel_has_no_variance(channels):
    x = images((1, 1, 1, channels))
    outputs, dx, _, dbeta, _, variance = step(BatchNormalization, x)
    theirs = step(keras.layers.BatchNormalization, x)
    np.testing.assert_allclose(outputs, theirs[0], atol=1e-3)  # Keras' rounds 1e-7 * 2 / 1e-5**0.5
    np.testing.assert_allclose(dx, np.zeros_like(x), atol=1e-3)
    np.testing.assert_allclose(dbeta, theirs[3], rtol=1e-6)
    np.testing.assert_allclose(variance, theirs[5], rtol=1e-6)


@pytest.mark.parametrize("channels", CHANNELS)
def test_fit_save_and_reload(tmp_path, channels):
    inputs = keras.Input((None, None, channels))
    x = BatchNormalization(name="norm")(inputs)
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x))
    model.compile("sgd", "mse", jit_compile=False)
    x = images((2, 5, 6, channels))
    model.fit(x, np.ones((2, channels)), verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert type(again.get_layer("norm")) is BatchNormalization
    np.testing.assert_array_equal(again(x), model(x))
    assert np.abs(model.get_layer("norm").moving_mean).min() > 0


@pytest.mark.parametrize("steps", [1, 24, 300, 900])
def test_after_all_steps_the_first_statistics_no_longer_count(steps):
    assert short_momentum(steps) ** steps == pytest.approx(1e-4)


def test_long_training_keeps_keras_momentum():
    assert short_momentum(10_000) == 0.99


def test_a_network_trained_for_24_steps_has_the_data_s_statistics():
    """Keras' momentum leaves 79 % of the first statistics: inference is not what was trained."""
    x = np.random.default_rng(0).normal(5, 3, (24, 8, 16)).astype("float32")

    def trained(steps: int) -> keras.Model:
        inputs = keras.Input((16,))
        first, second = keras.layers.BatchNormalization, BatchNormalization
        outputs = second(momentum=0.9, name="torch")(first(name="keras")(inputs))
        network = keras.Model(inputs, outputs)
        shorten_momentum(network, steps)
        for batch in x:
            network(batch, training=True)
        return network

    short, long = trained(24), trained(10_000)
    assert short.get_layer("torch").momentum == 0.9
    assert abs(np.mean(short.get_layer("keras").moving_mean) - 5) < 0.3
    assert np.mean(long.get_layer("keras").moving_mean) < 1.5
