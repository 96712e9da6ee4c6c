"""Every method against its definition, written out with TensorFlow's gradients and loops."""

import cv2
import hub_modules
import keras
import numpy as np
import pytest
import table_networks
import tensorflow as tf
from small_network import network, noise

from covid_keras.explain.maps import Explainer, scaled
from covid_keras.explain.methods import integrated_gradients, occlusion, scorecam, smoothgrad
from covid_keras.models.create import create_model
from covid_keras.runs.map_methods import METHODS
from covid_keras.utils.errors import InputError

CLASSES = np.array([0, 2, 1, 1, 0])


def fine(coarse: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return np.stack([cv2.resize(heat, size[::-1]) for heat in np.asarray(coarse, np.float32)])


def at_features(model, images, classes) -> tuple[np.ndarray, ...]:
    """The feature map, the class's logit, and its gradient there; float64."""
    both = keras.Model(model.input, [model.get_layer("features").output, model.output])
    with tf.GradientTape() as tape:
        features, logits = both(images, training=False)
        score = tf.gather(logits, classes, batch_dims=1)
    gradient = tape.gradient(score, features)
    return tuple(np.asarray(each, np.float64) for each in (features, score, gradient))


def pixel_gradient(model, images, classes) -> np.ndarray:
    with tf.GradientTape() as tape:
        tape.watch(images := tf.constant(images, tf.float32))
        score = tf.gather(model(images, training=False), classes, batch_dims=1)
    return tape.gradient(score, images).numpy()


def gradcam(features, score, gradient):
    return np.einsum("bhwc,bc->bhw", features, gradient.mean(axis=(1, 2)))


def gradcam_plus_plus(features, score, gradient):
    """As in the authors' code: derivatives of exp(score), shares that sum to one."""
    maps = []
    for value, logit, slope in zip(features, score, gradient, strict=True):
        heat = np.zeros(value.shape[:2])
        for k in range(value.shape[-1]):
            first, second, third = (np.exp(logit) * slope[..., k] ** n for n in (1, 2, 3))
            below = 2 * second + third * value[..., k].sum()
            shares = second / np.where(second != 0, below, 1)
            shares /= shares.sum() or 1
            heat += (shares * np.maximum(first, 0)).sum() * value[..., k]
        maps.append(heat / np.exp(logit))
    return np.stack(maps)


def layercam(features, score, gradient):
    return (features * np.maximum(gradient, 0)).sum(axis=-1)


DEFINITIONS = {"gradcam": gradcam, "gradcam++": gradcam_plus_plus, "layercam": layercam}


@pytest.mark.parametrize("method", DEFINITIONS)
def test_class_activation_maps_on_a_small_network(method):
    model, images = network(), noise()
    expected = np.maximum(DEFINITIONS[method](*at_features(model, images, CLASSES)), 0)
    found = Explainer(model, method, batch_size=2).maps(images, CLASSES)
    np.testing.assert_allclose(found, fine(expected, (24, 20)), atol=1e-6 + 1e-5 * expected.max())
    assert found.max() > 0


@pytest.mark.parametrize(
    "name",
    [
        "squeezenet",
        pytest.param("shufflenet_v2_x0_5", marks=pytest.mark.slow),
        pytest.param("resnet18", marks=pytest.mark.slow),
    ],
)
def test_gradients_of_networks_of_the_table(name):
    """Under weights with which the images matter; float32 through many layers."""
    model = table_networks.build(name)
    table_networks.wake(model)
    images, classes = table_networks.blobs((80, 64), count=3), np.array([1, 0, 1])
    parts = at_features(model, images, classes)
    for method, definition in DEFINITIONS.items():
        expected = scaled(fine(np.maximum(definition(*parts), 0), (80, 64)))
        found = scaled(Explainer(model, method).maps(images, classes))
        assert np.abs(found - expected).max() < 2e-3, method
    slope = Explainer(model, "smoothgrad")._model.gradient(images, classes)
    expected = pixel_gradient(model, images, classes)
    np.testing.assert_allclose(slope, expected, atol=1e-3 * np.abs(expected).max())


def test_gradcam_plus_plus_of_a_large_logit_is_finite():
    """tf-keras-vis takes its exponential."""
    model = network()
    kernel, bias = model.get_layer("head").get_weights()
    expected = Explainer(model, "gradcam++").maps(noise(), 1)
    model.get_layer("head").set_weights([kernel, bias + 1000])
    np.testing.assert_allclose(Explainer(model, "gradcam++").maps(noise(), 1), expected, rtol=1e-4)


def test_integrated_gradients_sum_to_the_difference_of_the_logits():
    model, images = network(), noise()
    dark = np.broadcast_to(images.min(axis=(1, 2), keepdims=True), images.shape)
    logits, before = (np.asarray(model(each)) for each in (images, dark))
    rows = np.arange(5)
    heat = Explainer(model, "integrated-gradients", batch_size=3).maps(images, CLASSES)
    difference = (logits - before)[rows, CLASSES]
    assert np.abs(heat.sum(axis=(1, 2)) - difference).max() < 0.02 * np.abs(difference).max()
    assert (heat < 0).any() and (heat > 0).any()


def test_integrated_gradients_are_the_mean_over_the_way(monkeypatch):
    monkeypatch.setattr(integrated_gradients, "STEPS", 3)
    model, images = network(), noise()
    dark = images.min(axis=(1, 2), keepdims=True)
    way = [dark + part * (images - dark) for part in (1 / 6, 1 / 2, 5 / 6)]
    mean = np.mean([pixel_gradient(model, each, CLASSES) for each in way], axis=0)
    found = Explainer(model, "integrated-gradients").maps(images, CLASSES)
    np.testing.assert_allclose(found, ((images - dark) * mean).sum(axis=-1), atol=1e-6)


def test_smoothgrad_without_noise_is_the_gradient(monkeypatch):
    model, images = network(), noise()
    expected = np.abs(pixel_gradient(model, images, CLASSES)).max(axis=-1)
    noisy = Explainer(model, "smoothgrad", batch_size=2).maps(images, CLASSES)
    monkeypatch.setattr(smoothgrad, "NOISE", 0)
    found = Explainer(model, "smoothgrad", batch_size=2).maps(images, CLASSES)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert np.abs(noisy - expected).max() > 0.1 * expected.max()


def test_smoothgrad_is_the_same_every_time_and_in_any_batch():
    model, images = network(), noise()
    once, again = (
        Explainer(model, "smoothgrad", batch_size=size).maps(images, CLASSES) for size in (5, 2)
    )
    np.testing.assert_allclose(once, again, atol=1e-6)


@pytest.mark.parametrize("size", [(24, 20), (9, 40)])
def test_occlusion_is_the_mean_fall_of_the_logit(size):
    """A cell of the map, by a loop over all the squares of two by two cells."""
    keras.utils.set_random_seed(0)
    layers = keras.layers.Conv2D(4, 3, activation="relu"), keras.layers.Flatten()
    model = keras.Sequential([keras.Input((*size, 2)), *layers, keras.layers.Dense(3)])
    images = np.random.default_rng(1).normal(size=(2, *size, 2)).astype(np.float32)
    rows, columns = ([int(k * side / n) for k in range(n + 1)] for side, n in _cells(size))
    falls = [[[] for _ in columns[1:]] for _ in rows[1:]]
    for top in range(len(rows) - 2):
        for left in range(len(columns) - 2):
            hidden = images.copy()
            for image in hidden:
                grey = image.mean(axis=(0, 1))
                image[rows[top] : rows[top + 2], columns[left] : columns[left + 2]] = grey
            fall = np.asarray(model(images) - model(hidden))[[0, 1], [2, 0]]
            for row in (top, top + 1):
                for column in (left, left + 1):
                    falls[row][column].append(fall)
    expected = np.array([[np.mean(cell, axis=0) for cell in row] for row in falls])
    found = Explainer(model, "occlusion").maps(images, [2, 0])
    np.testing.assert_allclose(found, fine(expected.transpose(2, 0, 1), size), atol=1e-5)


def _cells(size) -> list[tuple[int, int]]:
    return [(side, min(side, occlusion.CELLS)) for side in size]


def test_occlusion_finds_the_bright_spot():
    inputs = keras.Input((32, 32, 1))
    outputs = keras.layers.Dense(2, use_bias=False)(keras.layers.GlobalMaxPooling2D()(inputs))
    model = keras.Model(inputs, outputs)
    model.layers[-1].set_weights([np.array([[-1.0, 1.0]])])
    image = np.zeros((1, 32, 32, 1), np.float32)
    image[0, 20:22, 6:8] = 1
    heat = Explainer(model, "occlusion").maps(image, 1)[0]
    assert heat[20:22, 6:8].min() == heat.max() and heat[:16].max() < 1e-6


def test_scorecam_is_tf_keras_vis_own():
    """Where the feature map has the image's size: they interpolate in different ways."""
    from tf_keras_vis.scorecam import Scorecam

    keras.utils.set_random_seed(1)
    inputs = keras.Input((12, 10, 3))
    conv = keras.layers.Conv2D(5, 3, padding="same", activation="relu", name="features")(inputs)
    outputs = keras.layers.Dense(3)(keras.layers.GlobalAveragePooling2D()(conv))
    model = keras.Model(inputs, outputs)
    images = noise()[:, :12, :10]
    given = {"penultimate_layer": "features", "seek_penultimate_conv_layer": False}
    score = [lambda outputs: tf.gather(outputs, CLASSES, batch_dims=1)]
    expected = Scorecam(model)(score, images, **given, expand_cam=False, normalize_cam=False)
    found = Explainer(model, "scorecam", batch_size=2).maps(images, CLASSES)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert found.max() > 0.1


def test_scorecam_of_the_channels_that_vary_most(monkeypatch):
    model, images = network(), noise()
    features, _, _ = at_features(model, images, CLASSES)
    features = features.astype(np.float32)
    spread = features.std(axis=(1, 2))
    monkeypatch.setattr(scorecam, "CHANNELS", 2)
    found = Explainer(model, "scorecam", batch_size=3).maps(images, CLASSES)
    for row, image in enumerate(images):
        heat = np.zeros(features.shape[1:3], np.float32)
        for k in spread[row].argsort()[-2:]:
            mask = fine(features[row : row + 1, ..., k], (24, 20))[0]
            mask = (mask - mask.min()) / (mask.max() - mask.min())
            shares = tf.nn.softmax(model((image * mask[..., None])[None]))[0]
            heat += float(shares[CLASSES[row]]) * features[row, ..., k]
        np.testing.assert_allclose(found[row], fine(heat[None], (24, 20))[0], atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_one_output_is_the_second_of_two_classes(method):
    one = network(classes=1)
    two = network(classes=2)
    kernel, bias = (weight / 2 for weight in one.get_layer("head").get_weights())
    negative = [np.concatenate([-w, w], axis=-1) for w in (kernel, bias)]
    two.set_weights([*one.get_weights()[:-2], *(2 * w for w in negative)])
    probable = network(classes=2)
    probable.set_weights([*one.get_weights()[:-2], *negative])  # of sigmoid(logit)
    same = probable if method == "scorecam" else two
    for label in (0, 1):
        expected = Explainer(same, method).maps(noise(), label)
        np.testing.assert_allclose(Explainer(one, method).maps(noise(), label), expected, atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_the_predicted_class_and_a_layer_of_ones_own(method):
    model, images = network("softmax"), noise()
    predicted = np.asarray(model(images)).argmax(axis=1)
    found = Explainer(model, method).maps(images)
    np.testing.assert_allclose(found, Explainer(model, method).maps(images, predicted), atol=1e-6)
    if METHODS[method].features:
        last = Explainer(model, method, layer="features").maps(images)
        np.testing.assert_allclose(last, found, atol=1e-6)
        first = Explainer(model, method, layer=model.layers[1].name).maps(images)
        assert np.abs(first - found).max() > 0.01 * found.max()
    else:
        with pytest.raises(InputError, match=f"expected none with method {method}"):
            Explainer(model, method, layer="conv")


@pytest.mark.parametrize("method", ["gradcam", "integrated-gradients", "occlusion"])
def test_later_changes_of_the_weights_count(method):
    model, images = network(), noise()
    explainer = Explainer(model, method)
    before = explainer.maps(images, CLASSES)
    model.get_layer("head").set_weights([2 * w for w in model.get_layer("head").get_weights()])
    np.testing.assert_allclose(explainer.maps(images, CLASSES), 2 * before, atol=1e-5)


def test_what_cannot_be_explained_is_one_line():
    model = network()
    with pytest.raises(InputError, match=r"method 'gradcm' is unknown; did you mean gradcam"):
        Explainer(model, "gradcm")
    with pytest.raises(InputError, match=r"layer 'cov' is unknown in small; did you mean conv"):
        Explainer(model, layer="cov")
    with pytest.raises(InputError, match=r"layer head: expected a layer with a feature map"):
        Explainer(model, layer="head")
    inputs = keras.Input((8, 8, 3))
    ways = [keras.layers.Conv2D(2, 1, name=name)(inputs) for name in ("left", "right")]
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Add()(ways))
    branched = keras.Model(inputs, keras.layers.Dense(2)(x))
    with pytest.raises(InputError, match=r"all of the output depends.*Received: left of"):
        Explainer(branched, layer="left")


@pytest.mark.slow
@pytest.mark.parametrize("method", ["integrated-gradients", "smoothgrad", "occlusion"])
def test_a_hub_module_is_explained_by_methods_of_the_image(method, tmp_path, monkeypatch):
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path / "cache"))
    hub_modules.write_tiny(tmp_path / "tiny")
    model = create_model(f"hub:{tmp_path / 'tiny'}", classes=3, input_shape=(24, 20, 3))
    kernel = model.get_layer("head").kernel
    kernel.assign(np.random.default_rng(2).standard_normal(kernel.shape))
    heat = Explainer(model, method).maps(noise(), CLASSES)
    assert heat.shape == (5, 24, 20) and np.isfinite(heat).all() and heat.any()
    with pytest.raises(InputError, match="feature map"):
        Explainer(model, "gradcam")
