"""Drawing in millimetres on a grid of pixels, and the random textures of the phantom."""

from dataclasses import dataclass

import cv2
import numpy as np

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
        """x (1, n) and y (n, 1) in mm of the pixel centres, of every `step` pixels."""
        at = np.arange(self.size // step, dtype=np.float32) * step + (step - 1) / 2
        x, y = ((at - c) / self.pixels_per_mm for c in self.centre)
        return x[None, :], y[:, None]

    def pixels(self, points: np.ndarray) -> np.ndarray:
        """mm (..., 2) to pixels (..., 2), float."""
        return points * self.pixels_per_mm + np.asarray(self.centre)

    def fill(self, image: np.ndarray, points: np.ndarray, value: float) -> None:
        cv2.fillPoly(image, [self._fixed(points)], value, cv2.LINE_8, _SHIFT)

    def ellipse(self, image: np.ndarray, centre, radii, value: float) -> None:
        self.fill(image, ellipse(centre, radii), value)

    def stroke(self, image: np.ndarray, lines: np.ndarray, value: float, width: float) -> None:
        """Open lines (n, points, 2) in mm, `width` in mm; anti-aliased on uint8 images."""
        thickness = max(1, round(width * self.pixels_per_mm))
        kind = cv2.LINE_AA if image.dtype == np.uint8 else cv2.LINE_8
        cv2.polylines(image, list(self._fixed(lines)), False, value, thickness, kind, _SHIFT)

    def _fixed(self, points: np.ndarray) -> np.ndarray:
        return np.round(self.pixels(points) * (1 << _SHIFT)).astype(np.int32)


def ellipse(centre, radii, points: int = 48) -> np.ndarray:
    """Outline (points, 2) of an ellipse."""
    angle = np.linspace(0, 2 * np.pi, points, endpoint=False)
    return np.asarray(centre) + np.stack([np.cos(angle), np.sin(angle)], -1) * np.asarray(radii)


def smoothstep(low: float, high: float, x: np.ndarray) -> np.ndarray:
    """0 below `low`, 1 above `high`, cubic between."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


@dataclass(frozen=True)
class Textures:
    """Random fields of mean 0 and standard deviation 1, made once; slices take random windows.

    Each is float32 of twice the slice's side.
    """

    sharp: np.ndarray
    """Quantum noise after a sharp (lung) kernel: high frequencies stressed."""
    soft: np.ndarray
    """The same after a soft kernel."""
    fine: np.ndarray
    """Texture of the parenchyma, near two pixels."""
    cloud: np.ndarray
    """Irregularity of outlines, from about 5 to 40 mm."""
    network: np.ndarray
    """0..1: a net of thin lines some millimetres apart, the thickened septa of crazy paving."""

    @classmethod
    def make(cls, size: int, rng: np.random.Generator) -> "Textures":
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
    """A (size // step) square of a texture; `at` in [0, 1)² says where it begins."""
    y, x = (int(a * (field.shape[0] - size)) for a in at)
    return field[y : y + size : step, x : x + size : step]


def _normalised(field: np.ndarray) -> np.ndarray:
    return ((field - field.mean()) / field.std()).astype(np.float32)
