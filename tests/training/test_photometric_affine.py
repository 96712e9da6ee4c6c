"""Papers B and D's augmentation against OpenCV and SciPy, seeded, with and without XLA."""

import math

import cv2
import keras
import numpy as np
import pytest
import tensorflow as tf
from augmentation_pictures import PICTURES, picture
from scipy import ndimage

from covid_keras.training import augmentation
from covid_keras.training.augmentation import RandomAffine, RandomPhotometric

IMAGES = np.random.default_rng(0).integers(0, 256, (8, 23, 31, 1)).astype("uint8")
SMOOTH = np.stack([cv2.GaussianBlur(i, (7, 7), 2) for i in IMAGES[..., 0]])[..., None]
OFF = {"blur": 0.0, "noise": 0.0, "brightness": 0.0, "contrast": 0.0}


def augmented(layer, images=IMAGES) -> np.ndarray:
    return keras.ops.convert_to_numpy(layer(images, training=True))


def test_blur_is_opencvs_with_the_edge_repeated():
    layer = RandomPhotometric(**OFF | {"blur": 1.0}, seed=0)
    layer.blur_sigmas = (1.3, 1.3)
    found = augmented(layer)[..., 0]
    for ours, image in zip(found, IMAGES[..., 0].astype("float32"), strict=True):
        expected = cv2.GaussianBlur(image, (9, 9), 1.3, borderType=cv2.BORDER_REPLICATE)
        np.testing.assert_allclose(ours, expected, atol=1e-2)


def test_blur_comes_with_its_probability_and_differs_by_image():
    many = np.repeat(IMAGES[:1], 2000, axis=0)
    found = augmented(RandomPhotometric(**OFF | {"blur": 0.25}, seed=1), many)
    untouched = (found == many).all(axis=(1, 2, 3))
    assert 0.72 < untouched.mean() < 0.78
    assert len({image.tobytes() for image in found[~untouched]}) > 400


def test_brightness_shifts_and_contrast_stretches_each_image():
    grey = np.clip(IMAGES, 100, 150)
    brighter = augmented(RandomPhotometric(**OFF | {"brightness": 0.2}, seed=0), grey) - grey
    change = brighter.mean(axis=(1, 2, 3))
    np.testing.assert_allclose(brighter, change[:, None, None, None] + 0 * brighter, atol=1e-4)
    assert np.abs(change).max() <= 0.2 * 255 and change.min() < 0 < change.max()
    stretched = augmented(RandomPhotometric(**OFF | {"contrast": 0.3}, seed=0), grey)
    np.testing.assert_allclose(stretched.mean((1, 2, 3)), grey.mean((1, 2, 3)), atol=1e-3)
    factors = stretched.std(axis=(1, 2, 3)) / grey.std(axis=(1, 2, 3))
    assert ((factors > 0.7) & (factors < 1.3)).all() and np.ptp(factors) > 0.2


def test_noise_is_nearly_normal_and_of_a_strength_drawn_for_each_image():
    flat = np.full((6, 200, 200, 1), 128, "uint8")
    noise = augmented(RandomPhotometric(**OFF | {"noise": 20.0}, seed=0), flat) - 128
    strength = noise.std(axis=(1, 2, 3))
    assert strength.max() < 20 and np.ptp(strength) > 4
    standard = (noise / strength[:, None, None, None]).ravel()
    assert abs(standard.mean()) < 0.01
    inside = [(np.abs(standard) < sigmas).mean() for sigmas in (1, 2)]
    np.testing.assert_allclose(inside, [0.683, 0.954], atol=0.02)


def test_result_stays_in_grey_levels():
    layer = RandomPhotometric(blur=0.5, noise=50.0, brightness=0.5, contrast=0.9, seed=0)
    found = augmented(layer)
    assert found.dtype == np.float32 and found.min() == 0 and found.max() == 255


def test_sampling_is_scipys_order_one():
    rng = np.random.default_rng(1)
    rows, columns = rng.uniform(-3, 26, (8, 9, 11)), rng.uniform(-3, 34, (8, 9, 11))
    found = augmentation.sample(IMAGES, rows.astype("float32"), columns.astype("float32"))
    for n in range(8):
        image = IMAGES[n, ..., 0].astype("float64")
        expected = ndimage.map_coordinates(
            image, [rows[n], columns[n]], order=1, mode="grid-constant"
        )
        np.testing.assert_allclose(found[n, ..., 0], expected, atol=1e-3)


@pytest.mark.parametrize(
    ("settings", "draws"),
    [
        ({"rotation": 20.0, "zoom": 0.0, "shift": 0.0}, (0.3, 0.0, 0.0, 0.0)),
        ({"rotation": 0.0, "zoom": 0.4, "shift": 0.0}, (0.0, 0.25, 0.0, 0.0)),
        ({"rotation": 0.0, "zoom": 0.0, "shift": 0.2}, (0.0, 0.0, 0.1, -0.15)),
        ({"rotation": 20.0, "zoom": 0.4, "shift": 0.2}, (-0.2, 0.1, 0.05, 0.1)),
    ],
)
def test_affine_is_opencvs_rotation_about_the_centre(settings, draws):
    """OpenCV's matrix maps the image forward: a positive angle turns counter-clockwise."""
    values, layer = iter(draws), RandomAffine(**settings, seed=0)
    layer.uniform = lambda shape, low, high: next(values) * np.ones(shape, "float32")
    found = augmented(layer, SMOOTH)[..., 0]
    angle, zoom, down, right = draws
    height, width = SMOOTH.shape[1:3]
    centre = ((width - 1) / 2, (height - 1) / 2)
    matrix = cv2.getRotationMatrix2D(centre, math.degrees(angle), 1 + zoom)
    matrix[:, 2] += (right * width, down * height)
    for ours, image in zip(found, SMOOTH[..., 0].astype("float32"), strict=True):
        expected = cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR)
        assert np.abs(ours - expected)[2:-2, 2:-2].mean() < 1.0
        assert np.corrcoef(ours.ravel(), expected.ravel())[0, 1] > 0.999


LAYERS = {
    "photometric": lambda: RandomPhotometric(0.5, 10.0, 0.2, 0.2, seed=3),
    "affine": lambda: RandomAffine(10.0, 0.1, 0.1, seed=3),
}


@pytest.mark.parametrize("name", LAYERS)
def test_the_same_with_xla_and_from_the_seed(name):
    plain = augmented(LAYERS[name]())
    layer = LAYERS[name]()
    compiled = tf.function(lambda x: layer(x, training=True), jit_compile=True)
    np.testing.assert_allclose(compiled(tf.constant(IMAGES)).numpy(), plain, atol=0.05)
    np.testing.assert_array_equal(augmented(LAYERS[name]()), plain)
    assert (augmented(layer) != plain).any(), "the next batch is drawn anew"


@pytest.mark.parametrize("name", LAYERS)
def test_off_at_inference_and_restored_from_its_config(name):
    layer = LAYERS[name]()
    np.testing.assert_array_equal(layer(IMAGES, training=False), IMAGES)
    copy = type(layer).from_config(layer.get_config())
    np.testing.assert_array_equal(augmented(copy), augmented(layer))


@pytest.mark.parametrize(
    "layer", [RandomPhotometric(**OFF, seed=0), RandomAffine(0.0, 0.0, 0.0, seed=0)]
)
def test_nothing_is_done_without_strength(layer):
    found = augmented(layer)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, IMAGES)


@pytest.mark.slow
@pytest.mark.parametrize("recipe", PICTURES)
def test_the_pictures_in_the_docs_are_what_the_recipes_draw(recipe):
    """To look at: docs/images/augmentation_*.png."""
    expected = cv2.imread(str(PICTURES[recipe]), cv2.IMREAD_GRAYSCALE).astype(int)
    found = picture(recipe).astype(int)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 2
