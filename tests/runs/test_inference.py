"""Probabilities and features of a trained network, whatever its input's shape and its head."""

import keras
import numpy as np
import pytest
import test_fold
from keras import layers

from covid_keras.models.network import PREPROCESSING
from covid_keras.runs.inference import feature_model, probability_model


def network(outputs: int, pooled: bool = False) -> keras.Model:
    """Not square; with batch norms; its pooling has a name of its own."""
    inputs = keras.Input((12, 20, 3), name="image")
    x = test_fold.conv_norm(inputs, "conv", "a")
    if pooled:
        x = layers.GlobalMaxPooling2D()(x)
    x = layers.ReLU(name="features")(x)
    if not pooled:
        x = layers.GlobalMaxPooling2D(name="head.pool")(x)
    return test_fold.randomise(keras.Model(inputs, layers.Dense(outputs, name="head")(x)))


@pytest.fixture
def slices() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (3, 12, 20, 1)).astype("uint8")


def images(slices: np.ndarray) -> np.ndarray:
    """As the preprocessing "torch" says, from its published mean and deviation."""
    mean, deviation = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    return ((slices / 255 - mean) / deviation).astype("float32")


def test_one_logit_gives_two_columns(slices):
    model = network(1)
    logits = np.asarray(model(images(slices), training=False)).astype("float64")
    second = 1 / (1 + np.exp(-logits))
    found = np.asarray(probability_model(model, PREPROCESSING["torch"])(slices))
    assert found.shape == (3, 2) and second.std() > 1e-3
    np.testing.assert_allclose(found, np.hstack([1 - second, second]), atol=2e-6)


def test_several_logits_give_their_softmax(slices):
    model = network(3)
    powers = np.exp(np.asarray(model(images(slices), training=False)).astype("float64"))
    found = np.asarray(probability_model(model, PREPROCESSING["torch"])(slices))
    np.testing.assert_allclose(found, powers / powers.sum(1, keepdims=True), atol=1e-5)


@pytest.mark.parametrize("pooled", [False, True])
def test_features_are_pooled_whatever_the_head_does(slices, pooled):
    model = network(2, pooled)
    body = keras.Model(model.input, model.get_layer("features").output)
    expected = np.asarray(body(images(slices), training=False))
    expected = expected if pooled else expected.mean((1, 2))
    found = np.asarray(feature_model(model, PREPROCESSING["torch"])(slices))
    assert found.dtype == np.float32 and expected.std() > 0.01
    np.testing.assert_allclose(found, expected, atol=1e-5)
