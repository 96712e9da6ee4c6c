"""Ablations by masks: which mask belongs to an image, and what it leaves visible."""

import dataclasses

import numpy as np
import pandas as pd
from made_images import write_images

from covid_keras import recipes
from covid_keras.evaluation import ablations
from covid_keras.pipeline.samples import Samples


def test_a_mask_belongs_to_one_image(tmp_path):
    for name in ("a/1.png", "1.png", "2.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    images = ["a/1.png", "b/1.png", "c/2.jpg", "c/3.4.5"]
    records, found = ablations.with_masks(pd.DataFrame({"image": images}), tmp_path)
    assert records["image"].tolist() == ["a/1.png", "c/2.jpg"], "two images are called 1"
    assert found == (tmp_path / "a/1.png", tmp_path / "2.png")


def test_the_mask_is_cropped_and_resized_like_its_image(tmp_path):
    """The right half of the box is lung; what the box leaves out has no part in the slice."""
    rng = np.random.default_rng(0)
    image = rng.integers(1, 255, (40, 60), dtype=np.uint8)
    mask = np.zeros((20, 30), np.uint8)  # of half the size
    mask[:, 15:] = 1
    write_images(tmp_path, {"image.png": image, "mask.png": mask})
    records = pd.DataFrame({"image": ["image.png"], "label": ["a"]})
    for name, value in zip(("x0", "y0", "x1", "y1"), (10, 0, 50, 40), strict=True):
        records[name] = pd.array([value], dtype="Int64")
    spec = dataclasses.replace(recipes.get("ct-bit").input, box="annotated")
    whole = Samples(records, tmp_path, ("a",), **spec.geometry(16))
    files = (tmp_path / "mask.png",)
    lungs, rest = (ablations.masked(whole, files, kept).read(0) for kept in (True, False))
    np.testing.assert_array_equal(lungs[:, 8:], whole.read(0)[:, 8:])
    np.testing.assert_array_equal(rest[:, :8], whole.read(0)[:, :8])
    assert not lungs[:, :8].any() and not rest[:, 8:].any()
