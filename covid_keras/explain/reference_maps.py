"""Maps that know nothing of the network, which a class activation map has to beat."""

from collections.abc import Sequence

import cv2
import numpy as np

from covid_keras.metrics.localisation import CENTRE

SPREAD = 0.25
"""Standard deviation of the centre prior, as a share of the image's sides."""


def random_maps(pixels: np.ndarray, seed: int | Sequence[int]) -> np.ndarray:
    """Return noise, equally distributed in [0, 1), of the shape of the images (N, H, W)."""
    return np.random.default_rng(seed).random(pixels.shape, np.float32)


def centre_maps(pixels: np.ndarray) -> np.ndarray:
    """Return a Gaussian in the middle of every image (N, H, W): the centre prior."""
    rows, columns = (_bell(side) for side in pixels.shape[1:])
    return np.broadcast_to(np.outer(rows, columns).astype(np.float32), pixels.shape)


def sobel_maps(pixels: np.ndarray) -> np.ndarray:
    """Return the edges of the images (N, H, W): the length of Sobel's gradient."""
    edges = np.empty(pixels.shape, np.float32)
    for edge, image in zip(edges, pixels.astype(np.float32), strict=True):
        edge[:] = np.hypot(cv2.Sobel(image, -1, 1, 0), cv2.Sobel(image, -1, 0, 1))
    return edges


def reference_maps(
    pixels: np.ndarray, seed: int | Sequence[int], lungs: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """Return {name: (N, H, W) float32}: random, centre, sobel and, if they are known, lungs.

    Args:
        pixels: (N, H, W), images in grey levels.
        seed: of the random map.
        lungs: (N, H, W) bool, their masks.
    """
    maps = {
        "random": random_maps(pixels, seed),
        CENTRE: centre_maps(pixels),
        "sobel": sobel_maps(pixels),
    }
    return maps if lungs is None else maps | {"lungs": lungs.astype(np.float32)}


def _bell(side: int) -> np.ndarray:
    places = (np.arange(side) + 0.5) / side - 0.5
    return np.exp(-0.5 * (places / SPREAD) ** 2)
