"""Faithfulness: equal to pytorch-grad-cam and Quantus, and cases computed by hand."""

import numpy as np
import pytest
from map_oracle import RECORDED, probability

from covid_keras.metrics import faithfulness as faith

IMAGES, MAPS = RECORDED["images"], RECORDED["maps"]
CASES = range(len(IMAGES))


def rng():
    return np.random.default_rng(0)


def order_of(number):
    return faith.ranked(MAPS[number], rng())


def test_imputed_pixels_are_those_of_pytorch_grad_cam():
    half = MAPS[0] >= np.percentile(MAPS[0], 50)
    imputed = faith.impute(IMAGES[0], half, rng(), noise=0)
    np.testing.assert_allclose(imputed, RECORDED["imputed"], atol=1e-5)
    assert np.abs(imputed - IMAGES[0]).max() > 0.1


def test_noise_is_added_to_missing_pixels_only():
    missing = MAPS[1] > 0.5
    plain, noisy = (faith.impute(IMAGES[1], missing, rng(), noise) for noise in (0, 0.1))
    assert (noisy - plain)[missing].std() == pytest.approx(0.1, rel=0.2)
    np.testing.assert_array_equal(noisy[~missing], IMAGES[1][~missing])


@pytest.mark.parametrize("number", CASES)
def test_road_is_that_of_pytorch_grad_cam(number):
    order, predict = order_of(number), probability(number)
    for name, pixels in (("morf", order), ("lerf", order[::-1])):
        images = faith.road_images(IMAGES[number], pixels, rng(), noise=0)
        np.testing.assert_allclose(
            predict(images)[::-1], RECORDED[name][:, number], atol=2e-5, err_msg=name
        )


@pytest.mark.parametrize("number", CASES)
def test_deletion_is_that_of_quantus(number):
    images = faith.deletion_images(IMAGES[number], order_of(number))
    assert len(images) == faith.STEPS + 1 == RECORDED["deletion"].shape[1] + 1
    found = probability(number)(images[1:])
    np.testing.assert_allclose(found, RECORDED["deletion"][number], atol=1e-5)
    np.testing.assert_array_equal(images[0], IMAGES[number])


def test_insertion_goes_from_the_blurred_image_to_the_image():
    images = faith.insertion_images(IMAGES[0], order_of(0))
    np.testing.assert_array_equal(images[-1], IMAGES[0])
    assert images[0].std() < IMAGES[0].std()
    best = np.unravel_index(MAPS[0].argmax(), MAPS[0].shape)
    assert images[1][best] == IMAGES[0][best] != images[0][best]


def spot(images):
    """The probability is the brightness of one bright pixel."""
    return images[:, 5, 5] / 255


def test_a_map_of_the_pixel_that_counts_is_faithful_and_its_opposite_is_not():
    image = np.full((12, 12), 10.0, np.float32)
    image[5, 5] = 255
    heat = np.zeros((12, 12))
    heat[5, 5] = 1
    right, wrong = (faith.faithfulness(image, each, spot, rng()) for each in (heat, 1 - heat))
    assert right["road_morf"] < 0.1 and right["road_lerf"] == 1
    assert right["road"] == pytest.approx((1 + right["road_lerf"] - right["road_morf"]) / 2)
    assert wrong["road"] == pytest.approx(1 - right["road"], abs=0.05)
    mean = image.mean() / 255
    assert right["deletion"] == pytest.approx((0.5 * (1 + mean) + 19 * mean) / 20, abs=1e-3)
    assert right["insertion"] > 0.95 and wrong["deletion"] > 0.95
    assert set(right) == set(faith.FAITHFULNESS)


def test_equal_pixels_have_a_random_order():
    order = faith.ranked(np.array([[0, 0, 0], [0, 7, 0], [0, 0, 0]]), rng())
    assert order[0] == 4 and sorted(order) == list(range(9))
    assert order[1:].tolist() != [0, 1, 2, 3, 5, 6, 7, 8]
