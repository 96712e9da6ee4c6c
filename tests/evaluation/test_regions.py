"""Parts of an image."""

import numpy as np

from covid_keras.evaluation.regions import regions


def test_regions_are_parts_of_the_image():
    found = regions(100, 200)
    outside, border = found["centre blacked out"], found["border only"]
    assert not outside[20:80, 40:160].any() and outside.sum() == 100 * 200 - 60 * 120
    assert not border[10:90, 20:180].any() and border.sum() == 100 * 200 - 80 * 160
    np.testing.assert_array_equal(found["centre only"], ~outside)
