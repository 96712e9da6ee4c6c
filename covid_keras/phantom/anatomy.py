"""The healthy chest of the CT phantom: a stylised axial slice in Hounsfield units.

Levels go from 0 (apex of the lungs) to 1 (base). Places in a lung have coordinates (s, t, level):
s from 0 at the mediastinum to 1 at the chest wall, t from -1 (front) to 1 (back). Vessels and
lesions are placed in them, so that they fit every patient and continue from slice to slice.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from covid_keras.phantom.grid import TABLES, Grid, smoothstep

LUNG_HEIGHT = 250.0
"""Distance from apex to base in mm."""

RIGHT, LEFT = SIDES = (-1, 1)
"""Signs of x: the patient's right is on the image's left."""

_FINE_ROWS = np.linspace(-1.1, 1.1, 89)
_SMOOTHING = np.hanning(13)[1:-1] / np.hanning(13).sum()
_FAT, _MUSCLE, _BLOOD, _BONE, _MARROW = -95.0, 50.0, 42.0, 520.0, 190.0


@dataclass(frozen=True)
class Chest:
    """One patient's anatomy. Lengths in mm, densities in HU."""

    width: float
    depth: float
    """Half axes of the inside of the rib cage at its widest level: `width` and `depth`."""
    fat: float
    muscle: float
    breast: float
    squareness: float
    heart: float
    """Scale of the mediastinum, about 1."""
    lung: float
    gravity: float
    """Density of the lung, and its increase from front to back."""
    dome: dict[int, float]
    """Level of the diaphragm's top on each side."""
    contrast: float
    """Density that contrast medium adds to the blood."""
    phase: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Chest":
        """Draw a random patient."""
        return cls(
            width=rng.uniform(116, 142),
            depth=rng.uniform(84, 110),
            fat=3 + 24 * rng.beta(1.4, 3.0),
            muscle=rng.uniform(5, 12),
            breast=max(0.0, rng.normal(4, 14)),
            squareness=rng.uniform(2.0, 2.4),
            heart=rng.uniform(0.86, 1.16),
            lung=rng.normal(-855, 22),
            gravity=rng.uniform(20, 70),
            dome={RIGHT: rng.uniform(0.7, 0.8), LEFT: rng.uniform(0.74, 0.85)},
            contrast=rng.choice([0.0, 0.0, 150.0]),
            phase=rng.uniform(0, 2 * np.pi),
        )


@dataclass(frozen=True)
class Level:
    """One axial level of one chest."""

    chest: Chest
    level: float

    @cached_property
    def half_axes(self) -> tuple[float, float]:
        """Half axes of the inside of the rib cage, in mm."""
        rise = float(np.sin(np.clip(self.level / 0.6, 0, 1) * np.pi / 2))
        return self.chest.width * (0.5 + 0.5 * rise), self.chest.depth * (0.66 + 0.34 * rise)

    def wall(self, t: np.ndarray) -> np.ndarray:
        """Return the half width in mm of the inside of the rib cage at row t in [-1, 1]."""
        p = self.chest.squareness
        return self.half_axes[0] * (1 - np.minimum(np.abs(t), 1) ** p) ** (1 / p)

    def mediastinum(self, t: np.ndarray, side: int) -> np.ndarray:
        """Return the half width in mm of the mediastinum at row t."""
        return np.interp(t, _FINE_ROWS, self._profiles[side])

    @cached_property
    def _profiles(self) -> dict[int, np.ndarray]:
        """Half widths of the mediastinum at _FINE_ROWS, on each side."""
        heart = smoothstep(0.4, 0.62, np.float64(self.level))
        rows, upper, *lower = map(np.array, TABLES["mediastinum"].values())
        inner = (np.abs(rows) < 0.7) * (self.chest.heart - 1) + 1
        profiles = {}
        for side, widest in zip(SIDES, lower, strict=True):
            nodes = (upper + heart * (widest - upper)) * inner
            widths = np.pad(np.interp(_FINE_ROWS, rows, nodes), 5, mode="edge")
            profiles[side] = np.convolve(widths, _SMOOTHING, "valid")
        return profiles

    def place(self, s: np.ndarray, t: np.ndarray, side: int) -> np.ndarray:
        """Convert lung coordinates to mm (..., 2)."""
        inner = np.minimum(self.mediastinum(t, side), self.wall(t))
        x = side * (inner + s * (self.wall(t) - inner))
        return np.stack([x, t * self.half_axes[1]], -1)

    def ring(self, out: float, side_out: float = 0.0, back_out: float = 0.0) -> np.ndarray:
        """Return a closed outline `out` mm outside the lungs, more at the sides or the back."""
        angle = np.linspace(0, 2 * np.pi, 120, endpoint=False)
        power = 2 / (self.chest.squareness + back_out / 60)
        a, b = self.half_axes
        cos, sin = np.cos(angle), np.sin(angle)
        x = (a + out + side_out) * np.sign(cos) * np.abs(cos) ** power
        behind = back_out * smoothstep(0.0, 0.8, sin)
        return np.stack([x, (b + out + behind) * np.sign(sin) * np.abs(sin) ** power], -1)

    def both_edges(self, t: np.ndarray, inset: float = 0.0) -> np.ndarray:
        """Return the outline (2n, 2) of the mediastinum between rows t, `inset` mm inside it."""
        y = t * self.half_axes[1]
        edges = [np.stack([side * (self.mediastinum(t, side) - inset), y], -1) for side in SIDES]
        return np.concatenate([edges[0], edges[1][::-1]])

    def body(self) -> np.ndarray:
        """Return the outline of the skin."""
        chest = self.chest
        shoulders = 30 * (1 - smoothstep(0.0, 0.45, np.float64(self.level)))
        outline = self.ring(9 + chest.muscle + chest.fat, shoulders + 4, 20)
        angle = np.linspace(0, 2 * np.pi, len(outline), endpoint=False)
        wobble = 1 + 0.012 * np.sin(3 * angle + chest.phase) + 0.01 * np.cos(5 * angle)
        outline = outline * wobble[:, None]
        where = np.exp(-(((self.level - 0.62) / 0.2) ** 2))
        for side in SIDES:
            front = np.exp(-(((outline[:, 0] - side * 75) / 42) ** 2)) * (outline[:, 1] < 0)
            outline[:, 1] -= chest.breast * where * front
        outline[:, 1] -= 5 * np.exp(-((outline[:, 0] / 16) ** 2)) * (outline[:, 1] > 0)  # groove
        return outline

    def lungs(self, grid: Grid) -> np.ndarray:
        """Return a mask, uint8 (H, W), 255 inside the lungs."""
        mask = np.zeros((grid.size, grid.size), np.uint8)
        grid.fill(mask, self.ring(0), 255)
        grid.fill(mask, self.both_edges(np.linspace(-1.05, 1.05, 64)), 0)
        for centre, radii in self._domes().values():
            grid.ellipse(mask, centre, radii, 0)
        return mask

    def _domes(self) -> dict[int, tuple[tuple[float, float], tuple[float, float]]]:
        """Return centre and radii of the liver (right) and of spleen and stomach (left)."""
        a, b = self.half_axes
        domes = {}
        for side, top in self.chest.dome.items():
            if self.level > top:
                grown = np.sqrt(min((self.level - top) / 0.17, 1.0))
                domes[side] = (side * a * 0.5, -0.08 * b), (a * 0.44 * grown, b * 0.88 * grown)
        return domes

    def tissue(self, grid: Grid) -> np.ndarray:
        """Return HU, float32 (H, W), of all but the lungs, which are filled with soft tissue."""
        image = np.full((grid.size, grid.size), -1000, np.float32)
        skin = self.body()
        grid.fill(image, skin, 15)
        centre = skin.mean(0)
        grid.fill(image, centre + (skin - centre) * (1 - 4 / np.abs(skin).max()), _FAT)
        shoulders = 24 * (1 - smoothstep(0.05, 0.45, np.float64(self.level)))
        grid.fill(image, self.ring(8 + self.chest.muscle, shoulders, 16), _MUSCLE)
        grid.fill(image, self.ring(9), _FAT + 40)
        grid.fill(image, self.ring(7), _MUSCLE - 5)
        self._draw_mediastinum(grid, image)
        self._draw_ribs(grid, image)
        self._draw_spine(grid, image)
        return image

    def _draw_mediastinum(self, grid: Grid, image: np.ndarray) -> None:
        _, b = self.half_axes
        level, blood = self.level, _BLOOD + self.chest.contrast
        grid.fill(image, self.ring(0), _MUSCLE)
        grid.fill(image, self.both_edges(np.linspace(-0.92, 0.9, 48), 2), _FAT + 20)
        if level > 0.46:
            size = self.chest.heart * min(1.0, (level - 0.4) / 0.2)
            grid.ellipse(image, (14, -0.24 * b), (52 * size, 0.46 * b * size), blood)
        elif level > 0.33:
            grid.ellipse(image, (-12, -0.25 * b), (15, 15), blood)  # ascending aorta
            grid.ellipse(image, (14, -0.22 * b), (15, 13), blood)  # pulmonary trunk
        else:
            for x, y in ((-16, -0.15), (2, -0.25), (16, -0.05)):  # vessels above the arch
                grid.ellipse(image, (x, y * b), (7, 7), blood)
        if level > 0.3:
            grid.ellipse(image, (20, 0.5 * b), (11.5, 11.5), blood)  # descending aorta
        grid.ellipse(image, (3, 0.33 * b), (6, 5), _MUSCLE - 12)  # oesophagus
        if level < 0.42:
            grid.ellipse(image, (0, 0.12 * b), (9, 9.5), -990)  # trachea
        elif level < 0.54:
            for side in SIDES:
                grid.ellipse(image, (side * (8 + 190 * (level - 0.42)), 0.14 * b), (6.5, 5.5), -980)
        for side, ((x, y), (rx, ry)) in self._domes().items():
            grid.ellipse(image, (x, y), (rx, ry), 58 if side == RIGHT else 50)
            if side == LEFT and self.chest.phase > 3:
                grid.ellipse(image, (x - 8, y - 0.4 * ry), (0.4 * rx, 0.22 * ry), -950)  # gas

    def _draw_ribs(self, grid: Grid, image: np.ndarray) -> None:
        outline = self.ring(5)
        a, b = self.half_axes
        turn = self.level * LUNG_HEIGHT / 26 + self.chest.phase  # a rib every 26 mm, sloping
        for side in SIDES:
            for rib in range(5):
                at = -72 + rib * 33 + 16.5 * (turn % 2 - 1)  # degrees from the side, front to back
                angle = np.deg2rad(np.linspace(at - 8, at + 8, 7))
                index = np.round(angle / (2 * np.pi) * len(outline)).astype(int) % len(outline)
                line = outline[None, index] * (side, 1)
                grid.stroke(image, line, _BONE, 7)
                grid.stroke(image, line, _MARROW, 3.5)
            if self.level < 0.5:  # scapula
                start = np.array([a * 0.62 + 22, b * 0.78 + 14])
                end = start + np.array([30, -42]) * (1 - 0.8 * self.level)
                line = np.stack([start, (start + end) / 2 + (6, 4), end]) * (side, 1)
                grid.stroke(image, line[None], _BONE, 5)
        grid.ellipse(image, (0, -b - 4), (17, 6.5), _BONE)  # sternum
        grid.ellipse(image, (0, -b - 4), (14, 4), _MARROW)

    def _draw_spine(self, grid: Grid, image: np.ndarray) -> None:
        y = 0.74 * self.half_axes[1]
        for side in SIDES:
            process = np.array([[12, y + 24], [34, y + 27], [52, y + 20]]) * (side, 1)
            grid.stroke(image, process[None], _BONE, 7)  # transverse process and head of the rib
            grid.ellipse(image, (side * 22, y + 37), (19, 11), _MUSCLE + 5)  # erector spinae
        tip = self.body()[:, 1].max() - 9
        grid.fill(image, np.array([[-5, y + 30], [5, y + 30], [2, tip], [-2, tip]]), _BONE)
        grid.ellipse(image, (0, y + 24), (17, 14), _BONE)
        grid.ellipse(image, (0, y), (18, 15), _BONE)
        grid.ellipse(image, (0, y), (16, 13), _MARROW)
        grid.ellipse(image, (0, y + 22), (10, 8.5), 25)  # canal
