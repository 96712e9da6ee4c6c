"""Two maps: SSIM and rank correlation as in Quantus."""

import numpy as np
from map_oracle import RECORDED

from covid_keras.metrics.map_agreement import rank_correlation, ssim

MAPS, OTHERS = RECORDED["maps"], RECORDED["others"]


def test_both_are_those_of_quantus():
    np.testing.assert_allclose(ssim(MAPS, OTHERS), RECORDED["ssim"], rtol=1e-5)
    np.testing.assert_allclose(rank_correlation(MAPS, OTHERS), RECORDED["spearman"], rtol=1e-9)


def test_equal_and_opposite_maps():
    np.testing.assert_allclose(ssim(MAPS, MAPS), 1)
    np.testing.assert_allclose(rank_correlation(MAPS, MAPS), 1)
    np.testing.assert_allclose(rank_correlation(MAPS, 1 - MAPS), -1)


def test_maps_that_are_the_same_everywhere():
    flat = np.zeros_like(MAPS[:1])
    assert ssim(flat, flat) == rank_correlation(flat, flat) == 1
    assert rank_correlation(flat, MAPS[:1]) == 0
