"""Faithfulness: what happens to a probability where a map's pixels are removed or inserted.

ROAD (Rong et al. 2022) as pytorch-grad-cam computes it, deletion and insertion after RISE (Petsiuk
et al. 2018).
"""

from collections.abc import Callable

import cv2
import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import splu

FAITHFULNESS = {
    "road": "ROAD",
    "road_morf": "ROAD, most relevant first",
    "road_lerf": "ROAD, least relevant first",
    "deletion": "deletion",
    "insertion": "insertion",
}
"""{score of a map against a network: what it is called}."""
PERCENT = range(10, 100, 10)
"""Shares of the pixels that ROAD removes."""
NOISE = 0.01
"""Standard deviation of the noise on imputed pixels, as a share of `levels`."""
STEPS = 20
"""Steps from the whole image to none of it, and back, in deletion and insertion."""
BLUR = 5 / 224
"""Standard deviation of the blur that insertion begins with, as a share of the longer side."""
NEIGHBOURS = {
    (y, x): 1 / 12 if y and x else 1 / 6 for y in (-1, 0, 1) for x in (-1, 0, 1) if y or x
}
"""{offset of a neighbour: its weight in an imputed pixel}."""
Predict = Callable[[np.ndarray], np.ndarray]
"""Images (n, H, W) of the same kind as the image -> probability of the explained class (n,)."""


def faithfulness(
    image: np.ndarray,
    heat: np.ndarray,
    predict: Predict,
    rng: np.random.Generator,
    levels: float = 255,
) -> dict[str, float]:
    """Return {score of `FAITHFULNESS`: in [0, 1]} of one image; 57 images are predicted.

    Args:
        image: (H, W), grey levels from 0 to `levels`.
        heat: (H, W), its map; equal pixels have a random order.
        predict: asked once with (57, H, W) float32.
        rng: of the noise and of the order of equal pixels.

    Returns:
        road_morf, road_lerf: the mean probability after the most or the least relevant 10, 20 ...
        90 % of the pixels are imputed. road: (1 + road_lerf - road_morf) / 2, 0.5 where the order
        does not matter. deletion, insertion: the area under the probability while pixels, the most
        relevant first, are replaced by the image's mean, or put into the blurred image.
    """
    order = ranked(heat, rng)
    changed = np.concatenate([
        road_images(image, order, rng, NOISE * levels),
        road_images(image, order[::-1], rng, NOISE * levels),
        deletion_images(image, order),
        insertion_images(image, order),
    ])  # fmt: skip
    values = np.asarray(predict(changed), np.float64)
    ends = np.cumsum([len(PERCENT), len(PERCENT), STEPS + 1])
    morf, lerf, deleted, inserted = np.split(values, ends)
    return {
        "road": float(1 + lerf.mean() - morf.mean()) / 2,
        "road_morf": float(morf.mean()),
        "road_lerf": float(lerf.mean()),
        "deletion": float(np.trapezoid(deleted, dx=1 / STEPS)),
        "insertion": float(np.trapezoid(inserted, dx=1 / STEPS)),
    }


def ranked(heat: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the pixels' numbers (H * W,), the largest value first, equal ones in random order."""
    return np.lexsort([rng.random(heat.size), -heat.ravel()])


def road_images(
    image: np.ndarray, order: np.ndarray, rng: np.random.Generator, noise: float
) -> np.ndarray:
    """Return the image without the first 10, 20 ... 90 % of the pixels in `order`, imputed.

    As many pixels as are not below that percentile of untied values.
    """
    last = image.size - 1
    removed = [image.size + (percent - 100) * last // 100 for percent in PERCENT]
    return np.stack([impute(image, _first(order, n, image.shape), rng, noise) for n in removed])


def impute(
    image: np.ndarray, missing: np.ndarray, rng: np.random.Generator, noise: float
) -> np.ndarray:
    """Return the image with its missing pixels as weighted means of their eight neighbours.

    The means, of pixels that may be missing too, are solved at once; then Gaussian noise is added.

    Args:
        missing: (H, W) bool, not all.
        noise: its standard deviation, in grey levels.
    """
    rows, columns = np.nonzero(missing)
    number = np.full(image.shape, -1)
    number[missing] = np.arange(len(rows))
    weights, known = np.zeros(len(rows)), np.zeros(len(rows))
    entries = []
    for (down, right), weight in NEIGHBOURS.items():
        y, x = rows + down, columns + right
        inside = np.flatnonzero((y >= 0) & (x >= 0) & (y < image.shape[0]) & (x < image.shape[1]))
        y, x = y[inside], x[inside]
        weights[inside] += weight
        gone = missing[y, x]
        known[inside[~gone]] += weight * image[y[~gone], x[~gone]]
        entries.append((np.full(gone.sum(), -weight), inside[gone], number[y[gone], x[gone]]))
    diagonal = (weights, np.arange(len(rows)), np.arange(len(rows)))
    values, i, j = (np.concatenate(part) for part in zip(diagonal, *entries, strict=True))
    system = coo_matrix((values, (i, j))).tocsc()
    symmetric = {"permc_spec": "MMD_AT_PLUS_A", "options": {"SymmetricMode": True}}
    filled = image.astype(np.float32)
    solved = splu(system, diag_pivot_thresh=0, **symmetric).solve(known)
    filled[missing] = solved + noise * rng.standard_normal(len(rows))
    return filled


def deletion_images(image: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Return (STEPS + 1, H, W): the image with more and more pixels at its mean."""
    return _replaced(image, np.full(image.shape, image.mean()), order)


def insertion_images(image: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Return (STEPS + 1, H, W): the blurred image with more and more of the image's pixels."""
    blurred = cv2.GaussianBlur(image.astype(np.float32), (0, 0), BLUR * max(image.shape))
    return _replaced(blurred, image, order)


def _replaced(image: np.ndarray, other: np.ndarray, order: np.ndarray) -> np.ndarray:
    counts = [round(step * image.size / STEPS) for step in range(STEPS + 1)]
    shape = image.shape
    return np.stack([np.where(_first(order, n, shape), other, image) for n in counts])


def _first(order: np.ndarray, count: int, shape: tuple[int, ...]) -> np.ndarray:
    """Return a mask of the first pixels of an order, bool (H, W)."""
    mask = np.zeros(order.size, bool)
    mask[order[:count]] = True
    return mask.reshape(shape)
