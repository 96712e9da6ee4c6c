"""Layouts and tones of images."""

import cv2
import numpy as np
import pytest
from chests import chests

from covid_keras.images.appearance import ANGLES, LAYOUT, TURNED, layout, tones


def test_a_layout_says_where_edges_point():
    step = np.zeros((64, 64), np.uint8)
    step[:, 32:] = 200  # brighter to the right: angle 0, in the cells of the two middle columns
    found = layout(step).reshape(4, 4, ANGLES)
    assert found[:, 1:3, 0].min() > 0.3
    assert found.sum() == pytest.approx(found[:, 1:3, 0].sum())
    assert (found**2).sum() == pytest.approx(1, abs=1e-3)


def test_an_image_of_one_grey_has_no_edges():
    assert layout(np.full((30, 50), 77, np.uint8)).tolist() == [0] * LAYOUT


def test_a_layout_hardly_depends_on_the_size():
    (image,) = chests(1, side=192)
    small = chests(1, side=192)[0][::3, ::3]
    assert np.corrcoef(layout(image), layout(small))[0, 1] > 0.98


@pytest.mark.parametrize("name", TURNED)
def test_a_turned_image_has_its_size_and_another_layout(name):
    (image,) = chests(1)
    wide = np.hstack([image, image[:, :20]])
    turned = TURNED[name](wide)
    assert turned.shape == wide.shape
    assert np.corrcoef(layout(turned), layout(wide))[0, 1] < 0.95


def test_tones_are_sharpness_brightness_contrast_and_the_shape_of_the_file():
    random = np.random.default_rng(0)
    noise = random.integers(0, 256, (40, 50), dtype=np.uint8)
    soft = np.full((40, 50), 100, np.uint8)
    sharp, brightness, contrast, side, shape = tones(noise, 500, 400)
    assert (brightness, contrast) == (pytest.approx(noise.mean()), pytest.approx(noise.std()))
    assert (side, shape) == (pytest.approx(np.log(500)), pytest.approx(np.log(1.25)))
    assert sharp > tones(soft, 500, 400)[0] + 5


def test_a_black_margin_does_not_make_an_image_sharp():
    (image,) = chests(1, side=120)
    soft = cv2.GaussianBlur(image, (0, 0), 3)
    padded = np.pad(soft, ((0, 0), (30, 30)))
    assert tones(padded, 180, 120)[0] <= tones(soft, 120, 120)[0] < tones(image, 120, 120)[0] - 1
