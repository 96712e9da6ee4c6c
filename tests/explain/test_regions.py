"""Regions of the disease: masks in a folder, boxes in a CSV."""

import cv2
import numpy as np
import pytest

from covid_keras.explain.regions import find_regions
from covid_keras.utils.errors import InputError

HEADER = "path,finding,x_frac,y_frac,w_frac,h_frac\n"


def test_boxes_of_an_image_are_one_mask(tmp_path):
    file = tmp_path / "boxes.csv"
    file.write_text(
        HEADER + "a/1.png,Pneumonia,0,0,0.5,0.25\na/1.png,Pneumonia,0.75,0.5,0.25,0.5\n"
    )
    first, second = find_regions(["a/1.png", "2.png"], file)
    mask = first((8, 4)) > 0
    expected = np.zeros((8, 4), bool)
    expected[:2, :2] = True
    expected[4:, 3:] = True
    np.testing.assert_array_equal(mask, expected)
    assert second is None


@pytest.mark.parametrize("box", ["0.5,0,0.6,0.2", "0,0,0,0.2", "0,-0.1,0.5,0.5", "a,0,0.1,0.1"])
def test_a_box_outside_is_refused_with_its_line(tmp_path, box):
    file = tmp_path / "boxes.csv"
    file.write_text(HEADER + f"1.png,x,0,0,1,1\n1.png,x,{box}\n")
    with pytest.raises(InputError, match=r"boxes\.csv:3: expected a box inside of \[0, 1\]"):
        find_regions(["1.png"], file)


def test_boxes_of_other_images_are_refused(tmp_path):
    (tmp_path / "boxes.csv").write_text(HEADER + "1.png,x,0,0,1,1\n")
    with pytest.raises(InputError, match=r"expected boxes of the images, as 2\.png"):
        find_regions(["2.png"], tmp_path / "boxes.csv")


def test_a_mask_may_be_empty(tmp_path):
    cv2.imwrite(str(tmp_path / "1.png"), np.zeros((6, 5), np.uint8))
    assert not find_regions(["1.jpg"], tmp_path)[0]((6, 5)).any()
