"""Maps that know nothing of the network."""

import numpy as np

from covid_keras.explain.reference_maps import reference_maps


def test_each_map_is_what_its_name_says():
    pixels = np.zeros((2, 21, 31), np.uint8)
    pixels[:, :, 20:] = 200
    lungs = pixels > 0
    maps = reference_maps(pixels, seed=3, lungs=lungs)
    assert [*maps] == ["random", "centre", "sobel", "lungs"]
    assert all(each.shape == pixels.shape and each.min() >= 0 for each in maps.values())
    assert np.unravel_index(maps["centre"][1].argmax(), (21, 31)) == (10, 15)
    assert maps["centre"][0, 10, 0] < maps["centre"][0, 10, 8]
    edges = np.argwhere(maps["sobel"][0] == maps["sobel"][0].max())[:, 1]
    assert set(edges) == {19, 20}
    np.testing.assert_array_equal(maps["lungs"] > 0, lungs)
    assert maps["random"].std() > 0.2 and (maps["random"][0] != maps["random"][1]).any()
    assert "lungs" not in reference_maps(pixels, seed=3)
