"""Whether images are like those that a network was trained on."""

import cv2
import numpy as np
import pytest
from chests import chests
from sklearn.covariance import LedoitWolf

from covid_keras.images.appearance import TURNED, layout
from covid_keras.metrics import input_check
from covid_keras.metrics.input_check import RATE, looks_of, normal

SIZE = 72


def looks(images, size=(SIZE, SIZE)):
    """Features are the means of 3 by 3 parts."""
    features = [cv2.resize(i, (3, 3), interpolation=cv2.INTER_AREA).ravel() for i in images]
    return looks_of(images, [size] * len(images), np.array(features, float))


@pytest.fixture(scope="module")
def check():
    train, val = chests(200), looks(chests(100, seed=1))
    turned = [np.stack([layout(turn(i)) for i in train]) for turn in TURNED.values()]
    return input_check.fit(looks(train), turned, val)


def test_the_distance_is_that_of_scikit_learns_shrunk_covariance():
    random = np.random.default_rng(0)
    vectors = random.normal(3, 1, (60, 12)) @ random.normal(0, 1, (12, 12))
    new, found = vectors[:5] + 1, normal(vectors)
    scaled = found.scaled(vectors)
    expected = LedoitWolf(assume_centered=True).fit(scaled).mahalanobis(found.scaled(new))
    np.testing.assert_allclose(found.distance(new) ** 2, expected, rtol=1e-4)


def test_more_numbers_than_images_have_a_distance_too():
    random = np.random.default_rng(0)
    vectors = random.normal(0, 1, (25, 300))
    found = normal(vectors)
    assert found.axes.shape == (300, 25)
    assert np.median(found.distance(random.normal(0, 5, (20, 300)))) > 3 * np.median(
        found.distance(random.normal(0, 1, (20, 300)))
    )


def test_few_images_of_val_and_of_test_are_warned_of(check):
    assert check.false_alarms <= RATE
    assert check.images == 100
    found = check.findings(looks(chests(200, seed=2)))
    assert np.mean([bool(each.reasons) for each in found]) <= 2 * RATE
    assert not any(each.far for each in found)


@pytest.mark.parametrize("name", TURNED)
def test_turned_images_are_found_and_named(check, name):
    found = check.findings(looks([TURNED[name](image) for image in chests(50, seed=3)]))
    assert np.mean([f"looks {name}" in each.reasons for each in found]) > 0.9


def blurred(image):
    return cv2.GaussianBlur(image, (0, 0), 2)


def noisy(image):
    return np.clip(image + np.random.default_rng(0).normal(0, 20, image.shape), 0, 255)


@pytest.mark.parametrize(
    ("change", "word"),
    [(blurred, "blurred"), (noisy, "noisy"), (lambda image: image // 3, "low in contrast")],
)
def test_other_greys_are_found_and_named(check, change, word):
    images = [change(image).astype(np.uint8) for image in chests(50, seed=3)]
    found = check.findings(looks(images))
    assert np.mean([f"looks {word}" in each.reasons for each in found]) > 0.9


def test_other_sizes_are_found_and_named(check):
    found = check.findings(looks(chests(1, seed=3), size=(SIZE * 3, SIZE)))
    assert found[0].reasons == ("looks large", "looks wide")


def test_an_image_of_something_else_is_not_answered(check):
    random = np.random.default_rng(0)
    images = [random.integers(0, 256, (SIZE, SIZE), dtype=np.uint8) for _ in range(20)]
    images.append(np.full((SIZE, SIZE), 255, np.uint8))
    assert all(each.far for each in check.findings(looks(images)))
