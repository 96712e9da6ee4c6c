"""An image with its map: pixel for pixel, in colours that are on the key."""

import numpy as np
import pytest
from figure_text import STAMPS, words

from covid_keras.figures.overlay import blended, key, overlay_figure


def drawn(figure) -> np.ndarray:
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3]


@pytest.mark.parametrize("shape", [(90, 120), (300, 70), (800, 1000)])
def test_the_image_is_drawn_pixel_for_pixel(shape):
    random = np.random.default_rng(0)
    image, heat = random.integers(0, 256, shape, np.uint8), random.random(shape)
    for given in (heat, None):
        figure = overlay_figure(image, given, ["Grad-CAM for CP", "patient 7"], STAMPS)
        picture, place = drawn(figure), figure.images[0]
        bottom, left = picture.shape[0] - int(place.oy), int(place.ox)
        part = picture[bottom - shape[0] : bottom, left : left + shape[1]]
        grey = np.repeat(image[..., None], 3, axis=2)
        expected = grey if given is None else blended(image, heat)
        assert np.abs(part.astype(int) - expected).max() <= 1
    assert "Grad-CAM for CP" in words(figure) and "patient 7" in words(figure)
    assert "NOT A MEDICAL DEVICE" in words(figure).replace("\u00a0", " ")


def test_every_colour_is_on_the_key():
    """The key goes through evidence upwards and through grey to the right."""
    grey = np.linspace(0, 255, 32).round().astype(np.uint8)
    heat = np.linspace(1, 0, 256)
    image = np.tile(grey, (256, 1))
    np.testing.assert_array_equal(blended(image, np.tile(heat[:, None], (1, 32))), key())
    figure = overlay_figure(np.zeros((300, 300), np.uint8), np.zeros((300, 300)), ["T"])
    picture, box = drawn(figure), figure.axes[0].get_window_extent()
    rows = picture.shape[0] - round(box.y1), picture.shape[0] - round(box.y0)
    shown = picture[rows[0] : rows[1], round(box.x0) : round(box.x1)]
    assert shown.shape == (256, 32, 3)
    inside = np.s_[3:-3, 3:-3]  # without the frame
    assert np.abs(shown[inside].astype(int) - key()[inside]).max() <= 1


def test_no_evidence_leaves_the_image_as_it_is():
    image = np.arange(256, dtype=np.uint8).reshape(16, 16)
    np.testing.assert_array_equal(blended(image, np.zeros((16, 16)))[..., 1], image)
