"""How alike two maps are: SSIM (Wang et al. 2004) and rank correlation."""

import numpy as np
from scipy.ndimage import uniform_filter
from scipy.stats import rankdata

WINDOW = 7
"""Pixels of a side of SSIM's window."""


def ssim(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the structural similarity of maps (N, H, W) each, float (N,), 1 where they are equal.

    As scikit-image computes it: uniform windows inside the maps, K1 = 0.01, K2 = 0.03, and the
    range of both maps of a pair.

    Args:
        first, second: at least `WINDOW` pixels high and wide.
    """
    return np.array([_ssim(a, b) for a, b in zip(first, second, strict=True)])


def rank_correlation(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return Spearman's correlation of the pixels of maps (N, H, W) each, float (N,).

    Of maps that are the same everywhere it is 1 if both are, else 0.
    """
    return np.array([_correlation(a, b) for a, b in zip(first, second, strict=True)])


def _ssim(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a.astype(np.float64), b.astype(np.float64)
    span = max(a.max(), b.max()) - min(a.min(), b.min())
    span = span if span > 0 else 1.0
    small, smaller = (0.03 * span) ** 2, (0.01 * span) ** 2
    mean_a, mean_b = _means(a), _means(b)
    sample = WINDOW**2 / (WINDOW**2 - 1)
    var_a, var_b, both = (
        sample * (_means(x * y) - m * n)
        for x, y, m, n in (
            (a, a, mean_a, mean_a),
            (b, b, mean_b, mean_b),
            (a, b, mean_a, mean_b),
        )
    )
    light = (2 * mean_a * mean_b + smaller) / (mean_a**2 + mean_b**2 + smaller)
    return float((light * (2 * both + small) / (var_a + var_b + small)).mean())


def _means(values: np.ndarray) -> np.ndarray:
    """Return the mean of each window that is whole."""
    edge = WINDOW // 2
    return uniform_filter(values, WINDOW)[edge:-edge, edge:-edge]


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    ranks = [rankdata(each) for each in (a, b)]
    centred = [each - each.mean() for each in ranks]
    lengths = [float(np.sqrt((each**2).sum())) for each in centred]
    if min(lengths) == 0:
        return float(max(lengths) == 0)
    return float((centred[0] * centred[1]).sum() / (lengths[0] * lengths[1]))
