"""Rows of maps and the grid of test images."""

import numpy as np
import pytest
from figure_text import STAMPS, words

from covid_keras.figures.panels import Answer, MapPanel, image_grid, map_rows
from covid_keras.utils.errors import InputError


def test_rows_say_what_is_predicted_and_mark_the_wrong_ones():
    image, heat = np.full((16, 16), 90, np.uint8), np.eye(16, dtype=np.float32)
    right = MapPanel(image, "CP", "CP", 0.987, heat, "a/long/path/1.png")
    wrong = MapPanel(image, "NCP", "CP", 0.5, heat, "2.png")
    figure = map_rows({"CP": [right, right], "NCP": [wrong]}, "Layer-CAM for CP", STAMPS)
    text = words(figure)
    assert "predicted CP 98.7 %" in text
    assert "2.png predicted CP 50.0 %, wrong" in text
    assert "true: NCP" in text
    assert "NOT A MEDICAL DEVICE" in text.replace("\u00a0", " ")
    assert "Layer-CAM for CP" in text
    assert len(figure.axes) == 7


def test_an_image_without_a_likely_class_has_no_map():
    image = np.full((16, 16), 90, np.uint8)
    figure = map_rows({"CP": [MapPanel(image, "CP", "CP", 0.4, None, "1.png")]}, "Grad-CAM")
    assert "no map: no class is likely enough" in words(figure)
    assert len(figure.axes[1].images) == 0


def test_the_grid_of_test_images_counts_and_marks_the_wrong_ones():
    image = np.full((16, 24), 90, np.uint8)
    right = Answer(image, "CP", "CP", 0.9)
    wrong = Answer(image, "NCP", "CP", 0.6)
    figure = image_grid([right] * 14 + [wrong] * 2, STAMPS)
    assert "2 of 16 wrong" in words(figure)
    titles = [axes.get_title() for axes in figure.axes]
    assert titles[0] == "true: CP\npredicted: CP 90 %"
    assert titles[-1] == "true: NCP\npredicted: CP 60 %"
    assert len(titles) == 16


def test_rows_without_images():
    with pytest.raises(InputError, match="at least one image"):
        map_rows({"CP": []}, "")
