"""What a grey image looks like as a whole: where its edges point, how sharp and bright it is."""

import cv2
import numpy as np

SIDE, CELLS, ANGLES = 64, 4, 8
LAYOUT = CELLS * CELLS * ANGLES
"""Numbers of a layout."""
_CELL = np.repeat(np.arange(CELLS), SIDE // CELLS)
_CELL_OF_PIXEL = (_CELL[:, None] * CELLS + _CELL) * ANGLES

TURNED = {
    "inverted": lambda image: 255 - image,
    "upside down": lambda image: image[::-1],
    "turned by 180 degrees": lambda image: image[::-1, ::-1],
    "turned by 90 degrees": lambda image: _quarter(image, 1),
    "turned by 270 degrees": lambda image: _quarter(image, 3),
}
"""{what is wrong: the image, uint8 (H, W), made so}."""


def layout(image: np.ndarray) -> np.ndarray:
    """Return where the edges of an image point, float32 (128,).

    A histogram of oriented gradients (Dalal and Triggs 2005): the gradients' directions in eight
    parts of a circle, in four by four cells of the image, weighted by their length; the square root
    of their shares. All zeros for an image of one grey.

    Args:
        image: uint8 (H, W).
    """
    small = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    across, down = cv2.Sobel(small, cv2.CV_32F, 1, 0), cv2.Sobel(small, cv2.CV_32F, 0, 1)
    length, angle = cv2.cartToPolar(across, down)
    part = (angle * (ANGLES / (2 * np.pi))).astype(int) % ANGLES
    sums = np.bincount((_CELL_OF_PIXEL + part).ravel(), length.ravel(), LAYOUT)
    return np.sqrt(sums / (sums.sum() + 1)).astype(np.float32)


def tones(image: np.ndarray, width: int, height: int) -> tuple[float, ...]:
    """Return the numbers of `metrics.input_check.TONES`.

    Sharpness is the logarithm of the 80th percentile of the Laplacian, without its sign: the edges
    of a black margin are few and do not count.

    Args:
        image: uint8 (h, w), as the network takes it.
        width, height: of the file's image.
    """
    edges = np.abs(cv2.Laplacian(image.astype(np.float32), cv2.CV_32F))
    sharpness = float(np.log(np.percentile(edges, 80) + 0.1))
    sides = float(np.log(max(width, height))), float(np.log(width / height))
    return sharpness, float(image.mean()), float(image.std()), *sides


def _quarter(image: np.ndarray, turns: int) -> np.ndarray:
    """Turn by quarters of a circle, and fit to the size of the image."""
    size = image.shape[::-1]
    return cv2.resize(np.rot90(image, turns), size, interpolation=cv2.INTER_AREA)
