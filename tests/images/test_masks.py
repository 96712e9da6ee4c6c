"""Masks: by path or by name, sound ones only."""

import cv2
import numpy as np
import pytest

from covid_keras.images.masks import LUNG, find_masks, read_mask
from covid_keras.utils.errors import InputError


def test_a_mask_has_the_path_of_its_image_or_its_name_if_no_other_has_it(tmp_path):
    for name in ("a/1.png", "2.png", "3.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    images = ["a/1.jpg", "b/1.jpg", "b/2.png", "b/1.2.840.3", "c/4.png"]
    assert find_masks(images, tmp_path) == [
        tmp_path / "a/1.png",
        None,
        tmp_path / "2.png",
        None,
        None,
    ]


def test_a_folder_without_masks_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"expected masks named like the images, as 1\.png"):
        find_masks(["a/1.jpg"], tmp_path)
    with pytest.raises(InputError, match="Received: no such folder"):
        find_masks(["a/1.jpg"], tmp_path / "gone")


def test_a_mask_is_two_values_of_the_images_shape(tmp_path):
    path = tmp_path / "mask.png"
    mask = np.zeros((20, 30), np.uint8)
    mask[5:9, 4:8] = 1
    cv2.imwrite(str(path), mask)
    large = read_mask(path, (40, 60))
    assert large.shape == (40, 60) and set(np.unique(large)) == {0, LUNG}
    with pytest.raises(InputError, match=r"image's proportions, 90 x 20\. Received: 30 x 20"):
        read_mask(path, (20, 90))


@pytest.mark.parametrize(("value", "received"), [(0, "no lung"), (9, "nothing but lung")])
def test_a_mask_of_one_value_is_refused(tmp_path, value, received):
    cv2.imwrite(str(tmp_path / "mask.png"), np.full((20, 30), value, np.uint8))
    with pytest.raises(InputError, match=received):
        read_mask(tmp_path / "mask.png", (20, 30))
