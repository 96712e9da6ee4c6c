"""The air inside the body: on shapes, on the phantom, and on a real volume labelled by eye."""

import lung_slices
import numpy as np
import pytest

from covid_keras.images.lungs import LEAST_AIR, air_in_body
from covid_keras.images.read import LUNG_WINDOW


def slice_of(lungs: float) -> np.ndarray:
    """A body of 200 x 120 pixels with lungs of this share, above a table, in a round field."""
    grey = np.full((256, 256), 60, np.uint8)
    y, x = np.mgrid[:256, :256] - 128
    grey[x**2 + y**2 > 127**2] = 0
    grey[180:184, 60:200] = 150
    grey[40:160, 28:228] = 200
    grey[60:140, 40 : 40 + round(lungs * 200 * 120 / 80)] = 85
    return grey


@pytest.mark.parametrize("share", [0.0, 0.02, 0.1, 0.4])
def test_the_share_of_air_is_measured_within_the_body(share):
    assert air_in_body(slice_of(share), LUNG_WINDOW) == pytest.approx(share, abs=0.01)
    large = np.kron(slice_of(share), np.ones((2, 2), np.uint8))
    assert air_in_body(large, LUNG_WINDOW) == pytest.approx(share, abs=0.01)


def test_images_without_a_body_have_no_air_in_it():
    for grey in (np.zeros((20, 30)), np.full((20, 30), 255), np.ones((1, 1))):
        assert air_in_body(grey.astype(np.uint8), LUNG_WINDOW) == 0


def test_few_slices_of_the_phantom_are_judged_wrongly():
    found = lung_slices.phantom(patients=3)
    assert found["shown", False] <= 2 and found["none", True] == 0
    assert found["shown", True] > 50 and found["none", False] > 50


def test_a_real_volume_is_judged_as_by_eye_but_for_its_first_slice(shared_data):
    shares = lung_slices.real_volume(shared_data / "ct_volume_example")
    wrong = [n for n, share in shares.items() if (share >= LEAST_AIR) != lung_slices.BY_EYE[n]]
    assert len(shares) == 25 and wrong == [7]
