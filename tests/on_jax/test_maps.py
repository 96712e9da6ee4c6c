"""The methods that are gradients, on JAX: against closed forms of a linear head."""

import cv2
import keras
import numpy as np
import pytest
from small_network import SIZE, network, noise

from covid_keras.explain.maps import Explainer
from covid_keras.explain.methods import smoothgrad
from covid_keras.explain.sanity import MEASURES, randomised
from covid_keras.metrics.faithfulness import faithfulness

CLASSES = np.array([0, 2, 1, 1, 0])


def by_hand(method: str, features: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """A map (h, w) of features (h, w, C) and the gradient of the same shape."""
    if method == "gradcam":
        return features @ slope.mean(axis=(0, 1))
    if method == "layercam":
        return (features * np.maximum(slope, 0)).sum(axis=-1)
    shares = slope**2 / (2 * slope**2 + slope**3 * features.sum(axis=(0, 1)))
    return features @ (shares / shares.sum(axis=(0, 1)) * np.maximum(slope, 0)).sum(axis=(0, 1))


@pytest.mark.parametrize("method", ["gradcam", "gradcam++", "layercam"])
def test_class_activation_maps(method):
    """Of a dense layer on all of the feature map: its kernel is the gradient."""
    small, images = network(), noise()
    features = small.get_layer("features").output
    body = keras.Model(small.input, features)
    outputs = keras.layers.Dense(3, activation="softmax")(keras.layers.Flatten()(features))
    model = keras.Model(small.input, outputs)
    slopes = np.asarray(model.layers[-1].kernel).reshape(*features.shape[1:], 3)
    values = np.asarray(body(images))
    found = Explainer(model, method, batch_size=2).maps(images, CLASSES)
    for row, label in enumerate(CLASSES):
        coarse = np.maximum(by_hand(method, values[row], slopes[..., label]), 0)
        fine = cv2.resize(coarse, SIZE[::-1], interpolation=cv2.INTER_LINEAR)
        np.testing.assert_allclose(found[row], fine, atol=1e-5 * max(1, fine.max()))


def test_integrated_gradients_sum_to_the_difference_of_the_logits():
    model, images = network(), noise()
    dark = np.broadcast_to(images.min(axis=(1, 2), keepdims=True), images.shape)
    difference = np.asarray(model(images)) - np.asarray(model(dark))
    heat = Explainer(model, "integrated-gradients", batch_size=3).maps(images, CLASSES)
    expected = difference[np.arange(5), CLASSES]
    assert np.abs(heat.sum(axis=(1, 2)) - expected).max() < 0.02 * np.abs(expected).max()


def test_smoothgrad_without_noise_is_the_gradient(monkeypatch):
    """Of a linear model: the change of the logit by a change of one value."""
    inputs = keras.Input((6, 5, 2))
    x = keras.layers.Conv2D(3, 3, padding="same")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(x)))
    ones = np.eye(60, dtype=np.float32).reshape(60, 6, 5, 2)
    slope = np.asarray(model(ones) - model(0 * ones))[:, 1].reshape(6, 5, 2)
    monkeypatch.setattr(smoothgrad, "NOISE", 0)
    found = Explainer(model, "smoothgrad").maps(noise()[:, :6, :5, :2], 1)
    np.testing.assert_allclose(
        found, np.broadcast_to(np.abs(slope).max(-1), found.shape), atol=1e-5
    )


def test_later_changes_of_the_weights_count():
    model, images = network(), noise()
    explainer = Explainer(model, "integrated-gradients")
    before = explainer.maps(images, CLASSES)
    model.get_layer("head").set_weights([2 * w for w in model.get_layer("head").get_weights()])
    np.testing.assert_allclose(explainer.maps(images, CLASSES), 2 * before, atol=1e-5)


@pytest.mark.parametrize("method", ["scorecam", "occlusion"])
def test_methods_without_a_gradient_give_maps(method):
    maps = Explainer(network(), method).maps(noise(), CLASSES)
    assert maps.shape == (5, *SIZE) and np.isfinite(maps).all() and maps.max() > 0


def test_faithfulness_prefers_a_map_of_what_the_network_reads():
    """Of a network that answers from the upper left alone."""
    inputs = keras.Input((*SIZE, 1))
    corner = keras.layers.Cropping2D(((0, 12), (0, 10)))(inputs)
    mean = keras.layers.GlobalAveragePooling2D()(corner)
    answer = keras.layers.Dense(1, "sigmoid", kernel_initializer="ones")(mean)
    model = keras.Model(inputs, answer)
    rng = np.random.default_rng(0)
    reads = np.zeros(SIZE)
    reads[:12, :10] = 1
    image = 60 + 140 * reads + rng.normal(scale=5, size=SIZE)

    def predict(images: np.ndarray) -> np.ndarray:
        return np.asarray(model((images[..., None] - 130) / 20))[:, 0]

    true, false = (faithfulness(image, heat, predict, rng) for heat in (reads, 1 - reads))
    assert true["road"] > 0.6 > 0.4 > false["road"]
    assert true["deletion"] < false["deletion"] and true["insertion"] > false["insertion"]


def test_maps_fall_apart_with_random_layers_and_come_back():
    model, images = network(), noise()
    explainer = Explainer(model, "layercam")
    own = explainer.maps(images, CLASSES)
    names, alike = [], []
    for name in randomised(model, np.random.default_rng(0)):
        names.append(name)
        alike.append(MEASURES["rank_correlation"](own, explainer.maps(images, CLASSES)).mean())
    assert names[0] == "head" and names[-1] == model.layers[1].name
    assert alike[-1] < 0.9
    np.testing.assert_array_equal(explainer.maps(images, CLASSES), own)
