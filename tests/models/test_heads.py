"""Heads: the numbers they start from, their precision, dropout and the published classifiers."""

import keras
import numpy as np
import pytest

from covid_keras.models import heads
from covid_keras.models.create import create_model
from covid_keras.utils.errors import InputError

CHANNELS = 12


def features(count: int = 8) -> np.ndarray:
    """Float32 (count, 3, 2, CHANNELS), as a backbone's last feature map."""
    random = np.random.default_rng(0)
    return random.normal(1, 2, (count, 3, 2, CHANNELS)).astype(np.float32)


def head(name: str, classes: int, activation=None, dropout: float = 0.0, sides=(None, None)):
    """The head alone, from a feature map, or from a vector where `sides` is ()."""
    keras.utils.set_random_seed(3)
    inputs = keras.Input((*sides, CHANNELS))
    return keras.Model(inputs, heads.get(name)(inputs, classes, activation, dropout))


def test_linear_starts_from_zero():
    model = head("linear", 3)
    assert [layer.name for layer in model.layers[1:]] == ["pool", "head"]
    np.testing.assert_array_equal(model(features()), np.zeros((8, 3)))
    np.testing.assert_allclose(
        head("linear", 4, "softmax")(features()), np.full((8, 4), 0.25), rtol=1e-6
    )


def test_linear_is_the_mean_times_a_kernel():
    model, kernel = head("linear", 3), np.random.default_rng(1).normal(size=(CHANNELS, 3))
    model.get_layer("head").set_weights([kernel, np.array([1.0, 2.0, 3.0])])
    expected = features().mean((1, 2)) @ kernel + [1, 2, 3]
    np.testing.assert_allclose(model(features()), expected, rtol=1e-5, atol=1e-5)


def test_one_sigmoid_output():
    model = head("linear", 1, "sigmoid")
    np.testing.assert_array_equal(model(features()), np.full((8, 1), 0.5))
    assert model.count_params() == CHANNELS + 1


def test_a_vector_needs_no_pooling():
    model = head("linear", 2, sides=())
    kernel = np.random.default_rng(1).normal(size=(CHANNELS, 2))
    model.get_layer("head").set_weights([kernel, np.zeros(2)])
    vectors = features().mean((1, 2))
    np.testing.assert_allclose(model(vectors), vectors @ kernel, rtol=1e-5, atol=1e-5)


def test_dense_is_its_formula():
    model = head("dense", 3, dropout=0.5)
    names = ["pool", "head.dense", "head.norm", "head.relu", "head.dropout", "head"]
    assert [layer.name for layer in model.layers[1:]] == names
    random = np.random.default_rng(2)
    weights = [random.uniform(0.5, 1.5, weight.shape) for weight in model.weights]
    model.set_weights(weights)
    dense, gamma, beta, mean, variance, kernel, bias = weights
    assert dense.shape == (CHANNELS, heads.DENSE_UNITS)
    x = features().mean((1, 2)) @ dense
    x = np.maximum((x - mean) / np.sqrt(variance + 1e-3) * gamma + beta, 0)
    np.testing.assert_allclose(model(features()), x @ kernel + bias, rtol=1e-4)


@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_the_gradient_reaches_every_variable_of_dense(dropout):
    import tensorflow as tf

    model = head("dense", 3, dropout=dropout)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(model(features(), training=True) - [[0.0, 1.0, 2.0]]))
    variables = model.trainable_variables
    assert len(variables) == 5  # a kernel without bias, the norm's two, a kernel, a bias
    gradients = tape.gradient(loss, [variable.value for variable in variables])
    for variable, gradient in zip(variables, gradients, strict=True):
        assert gradient is not None and np.abs(gradient).max() > 1e-4, variable.path


@pytest.mark.parametrize("name", heads.HEADS)
def test_float32_under_mixed_precision(name):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = head(name, 3, "softmax", dropout=0.5)
        maps = keras.layers.ReLU()(keras.Input((2, 2, CHANNELS)))
        outputs = heads.get(name)(maps, 3, None, 0.0)
    finally:
        keras.config.set_dtype_policy("float32")
    assert {layer.compute_dtype for layer in model.layers[1:]} == {"float32"}
    assert (maps.dtype, outputs.dtype, model.output.dtype) == ("bfloat16", "float32", "float32")


@pytest.mark.parametrize("name", heads.HEADS)
def test_dropout_only_in_training_and_by_the_seed(name):
    def draw() -> tuple[np.ndarray, np.ndarray]:
        model = head(name, 3, dropout=0.5)  # seeds
        kernel = model.get_layer("head").kernel
        kernel.assign(np.random.default_rng(5).normal(size=kernel.shape))
        return tuple(np.asarray(model(features(), training=True)) for _ in range(2))

    first, second = draw()
    assert np.abs(first - second).max() > 0.1
    for again, expected in zip(draw(), (first, second), strict=True):
        np.testing.assert_array_equal(again, expected)
    model = head(name, 3, dropout=0.5)
    np.testing.assert_array_equal(model(features()), model(features(), training=False))


def test_the_rate_of_dropout_is_the_share_of_zeros():
    model = head("linear", 1, dropout=0.3)
    dropped = keras.Model(model.input, model.get_layer("head.dropout").output)
    x = np.ones((400, 1, 1, CHANNELS), np.float32)
    y = np.asarray(dropped(x, training=True))
    assert abs((y == 0).mean() - 0.3) < 0.03
    np.testing.assert_allclose(y[y != 0], 1 / 0.7, rtol=1e-6)


@pytest.mark.parametrize("rate", [-0.1, 1.0])
def test_a_rate_outside_of_its_range_is_one_line(rate):
    with pytest.raises(InputError) as caught:
        create_model("squeezenet", classes=2, dropout=rate)
    assert str(caught.value) == f"squeezenet: expected 0 <= dropout < 1. Received: {rate}"


def test_an_unknown_head_names_the_near_miss_or_all():
    both = r"did you mean dense\? known: linear, dense"
    with pytest.raises(InputError, match=rf"^head 'dens' is unknown; {both}$"):
        heads.get("dens")
    with pytest.raises(InputError, match=r"^head 'xyz' is unknown; known: linear, dense$"):
        heads.get("xyz")


def test_original_is_the_published_classifier():
    """SqueezeNet's: a 1x1 convolution with ReLU, then the mean; trained with dropout."""
    keras.utils.set_random_seed(3)
    model = create_model("squeezenet", classes=7, head="original", activation="softmax")
    assert model.layers[0].name == "image" and "pool" not in {x.name for x in model.layers}
    features_output = model.get_layer("features").output
    both = keras.Model(model.input, [features_output, model.output])
    images = np.random.default_rng(0).normal(size=(2, 64, 64, 3)).astype(np.float32)
    maps, found = (np.asarray(x) for x in both(images))
    kernel, bias = model.get_layer("head").get_weights()
    scores = np.maximum(maps @ kernel[0, 0] + bias, 0).mean((1, 2))
    expected = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    assert np.ptp(expected) > 1e-3


@pytest.mark.parametrize(
    ("name", "dropout"),
    [("resnet18", 0), ("inception_v3", 0.5), ("xception", 0), ("densenet_conv", 0)],
)
def test_every_network_has_a_published_end_with_new_outputs(name, dropout):
    """Kernel and bias of the new outputs are uniform in +-1/sqrt(fan in), as PyTorch's."""
    model = create_model(name, classes=1, head="original", input_shape=(96, 96, 3))
    kernel, bias = model.get_layer("head").get_weights()
    limit = len(kernel) ** -0.5
    assert 0 < np.abs(bias).max() <= limit
    assert 0.9 * limit < np.abs(kernel).max() <= limit
    assert np.std(kernel) == pytest.approx(limit / 3**0.5, rel=0.1)
    rates = [layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
    assert rates == ([dropout] if dropout else [])


def test_bit_ends_in_zeros_as_published():
    assert not np.any(create_model("bit_r50x1", classes=3, head="original").layers[-1].kernel)


def test_one_output_of_squeezenet_can_be_negative():
    """As published there is a ReLU behind the output: a logit of one output could never be."""
    model = create_model("squeezenet", classes=1, head="original", input_shape=(64, 64, 3))
    layers = {layer.name: layer for layer in model.layers}
    assert "head.relu" not in layers and layers["head.dropout"].rate == 0.5
    kernel, bias = layers["head"].get_weights()
    layers["head"].set_weights([0 * kernel, bias - 9])
    assert np.asarray(model(np.zeros((1, 64, 64, 3), "float32"))).item() < -8


def test_head_layers_are_known_by_name():
    names = {layer.name for name in heads.HEADS for layer in head(name, 2, dropout=0.1).layers[2:]}
    assert all(heads.is_head(name) for name in names)
    assert not heads.is_head("features") and not heads.is_head("header.conv")
