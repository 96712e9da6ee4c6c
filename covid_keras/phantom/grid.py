"""Drawing in millimetres on a grid of pixels, and the phantom's random textures."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from covid_keras.utils.files import read_toml

TABLES = read_toml(Path(__file__).with_name("tables.toml"))
"""Shapes of organs and bones, scanners and departments; the file explains them."""

_SHIFT = 4  # fractional bits of OpenCV's coordinates


@dataclass(frozen=True)
class Grid:
    """A square image of `size` pixels; `centre` (x, y) in pixels is the origin of millimetres.

    x grows to the right of the image (the patient's left), y towards the patient's back.
    """

    size: int
    pixels_per_mm: float
    centre: tuple[float, float]

    def axes(self, step: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Return x (1, n) and y (n, 1) in mm of the centres of every `step`-th pixel."""
        at = np.arange(self.size // step, dtype=np.float32) * step + (step - 1) / 2
        x, y = ((at - c) / self.pixels_per_mm for c in self.centre)
        return x[None, :], y[:, None]

    def pixels(self, points: np.ndarray) -> np.ndarray:
        """Convert mm (..., 2) to pixels (..., 2), float."""
        return points * self.pixels_per_mm + np.asarray(self.centre)

    def fill(self, image: np.ndarray, points: np.ndarray, value: float) -> None:
        """Fill the polygon `points` (n, 2) in mm."""
        cv2.fillPoly(image, [self._fixed(points)], value, cv2.LINE_8, _SHIFT)

    def ellipse(self, image: np.ndarray, centre, radii, value: float) -> None:
        """Fill an ellipse; `centre` and `radii` in mm."""
        angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
        outline = np.stack([np.cos(angle), np.sin(angle)], -1) * np.asarray(radii)
        self.fill(image, np.asarray(centre) + outline, value)

    def stroke(self, image: np.ndarray, lines: np.ndarray, value: float, width: float) -> None:
        """Draw open lines (n, points, 2) in mm, `width` in mm; anti-aliased on uint8 images."""
        thickness = max(1, round(width * self.pixels_per_mm))
        kind = cv2.LINE_AA if image.dtype == np.uint8 else cv2.LINE_8
        cv2.polylines(image, list(self._fixed(lines)), False, value, thickness, kind, _SHIFT)

    def stroke_groups(self, image: np.ndarray, lines: np.ndarray, width, value) -> None:
        """Draw lines of several widths (n,) in pixels and values (n,), thin and dark first."""
        thickness = np.maximum(1, np.round(width)).astype(int)
        for pixels, grey in sorted(set(zip(thickness.tolist(), value.tolist(), strict=True))):
            chosen = (thickness == pixels) & (value == grey)
            self.stroke(image, lines[chosen], grey, pixels / self.pixels_per_mm)

    def _fixed(self, points: np.ndarray) -> np.ndarray:
        return np.round(self.pixels(points) * (1 << _SHIFT)).astype(np.int32)


def span(mask: np.ndarray) -> slice:
    """Return the slice from the first to the last True of a mask (n,); empty if there is none."""
    found = np.flatnonzero(mask)
    return slice(found[0], found[-1] + 1) if len(found) else slice(0)


def smoothstep(low: float, high: float, x: np.ndarray) -> np.ndarray:
    """Return 0 below `low`, 1 above `high`, and a cubic between."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


@dataclass(frozen=True)
class Textures:
    """Random fields, float32 of twice the image's side, mean 0, standard deviation 1.

    They are made once; every image takes a random window of each.
    """

    sharp: np.ndarray
    """Quantum noise after a sharp (lung) kernel: high frequencies emphasised."""
    soft: np.ndarray
    """Quantum noise after a soft kernel."""
    fine: np.ndarray
    """Texture of the parenchyma, about two pixels."""
    cloud: np.ndarray
    """Irregularity of outlines, from about 5 to 40 mm."""
    network: np.ndarray
    """0 to 1: a net of thin lines a few mm apart, the thickened septa of crazy paving."""

    @classmethod
    def make(cls, size: int, rng: np.random.Generator) -> "Textures":
        """Draw the fields for images of `size` pixels."""
        side = 2 * size
        unit = size / 512

        def blurred(sigma: float) -> np.ndarray:
            white = rng.standard_normal((side, side), dtype=np.float32)
            return _normalised(cv2.GaussianBlur(white, (0, 0), sigma))

        white = cv2.GaussianBlur(rng.standard_normal((side, side), dtype=np.float32), (0, 0), 0.5)
        sharp = _normalised(white - 0.8 * cv2.GaussianBlur(white, (0, 0), 1.6))
        cloud = sum(
            weight * blurred(sigma * unit) for sigma, weight in ((18, 1), (7, 0.6), (3, 0.4))
        )
        net = blurred(max(2.4 * unit, 0.8))
        network = np.exp(-((net / 0.22) ** 2))
        return cls(sharp, blurred(1.1), blurred(max(1.6 * unit, 0.7)), _normalised(cloud), network)


def window_of(field: np.ndarray, size: int, at: tuple[float, float], step: int = 1) -> np.ndarray:
    """Return a square of a texture, side size // step; `at` in [0, 1)² is its corner."""
    y, x = (int(a * (field.shape[0] - size)) for a in at)
    return field[y : y + size : step, x : x + size : step]


def _normalised(field: np.ndarray) -> np.ndarray:
    return ((field - field.mean()) / field.std()).astype(np.float32)
