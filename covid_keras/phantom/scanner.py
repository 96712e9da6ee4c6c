"""Two scanners, and the steps from anatomy and findings to one grey slice."""

from dataclasses import dataclass, make_dataclass

import cv2
import numpy as np

from covid_keras.images.presentation import apply_window
from covid_keras.phantom.anatomy import SIDES, Chest, Level
from covid_keras.phantom.grid import TABLES, Grid, Textures, window_of
from covid_keras.phantom.lesions import Findings, opacity
from covid_keras.phantom.vessels import Tree, draw_bronchi, draw_vessels, vary

_STEP = 2  # findings are smooth: computed at every second pixel
_WINDOW = (-600.0, 1500.0)
_VISIBLE = 0.3
"""From this share of ground glass, consolidation or fluid on, a pixel counts as disease."""
_VESSEL, _GLASS, _SOLID, _FLUID, _WALL, _AIR = 35.0, -430.0, 25.0, 8.0, -150.0, -930.0


Scanner = make_dataclass("Scanner", TABLES["scanners"][0], frozen=True)
"""One source of images; tables.toml holds and explains its properties."""
SCANNERS = tuple(Scanner(**row) for row in TABLES["scanners"])


@dataclass(frozen=True)
class Patient:
    """What all slices of a patient have in common."""

    chest: Chest
    findings: Findings
    trees: dict[int, Tree]
    scanner: Scanner
    field_of_view: float
    """Side of the image in mm."""
    offset: tuple[float, float]
    """Position of the chest in mm from the middle of the image."""
    noise: float
    motion: float
    """Shift in mm by breathing, which doubles outlines; 0 for most patients."""

    @classmethod
    def draw(cls, findings: Findings, scanner: Scanner, trees: list[Tree], rng) -> "Patient":
        """Draw a random patient with these findings."""
        chest = Chest.draw(rng)
        body = Level(chest, 0.4).body()
        return cls(
            chest=chest,
            findings=findings,
            trees={side: vary(trees, rng) for side in SIDES},
            scanner=scanner,
            field_of_view=float(np.ptp(body[:, 0]) * rng.uniform(*scanner.margin)),
            offset=tuple(rng.normal((0, -8), 5)),
            noise=rng.uniform(*scanner.noise),
            motion=rng.uniform(1.5, 4) if rng.random() < 0.2 else 0.0,
        )

    def grid(self, size: int) -> Grid:
        """Return the grid of an image of `size` pixels, in the middle of the chest."""
        scale = size / self.field_of_view
        return Grid(size, scale, tuple(size / 2 + scale * o for o in self.offset))


def disease(patient: Patient, level: float, size: int, textures: Textures) -> np.ndarray:
    """Return the mask of the disease in a slice: uint8 (size, size), 255 inside."""
    grid, here = patient.grid(size), Level(patient.chest, level)
    maps = _findings(patient.findings.of_disease(), grid, here, textures)[:3]
    inside = cv2.resize(np.maximum.reduce(maps), (size, size)) > _VISIBLE
    return np.where(inside, here.lungs(grid), 0).astype(np.uint8)


def lungs(patient: Patient, level: float, size: int) -> np.ndarray:
    """Return the mask of the lungs in a slice: uint8 (size, size), 255 inside."""
    return Level(patient.chest, level).lungs(patient.grid(size))


def scan(
    patient: Patient, level: float, size: int, textures: Textures, rng: np.random.Generator
) -> tuple[np.ndarray, tuple[int, int, int, int]]:
    """Draw one slice.

    Returns:
        uint8 (size, size), window -600/1500 HU, and the body's box x0, y0, x1, y1 in pixels, x1
        and y1 exclusive.
    """
    grid, here = patient.grid(size), Level(patient.chest, level)
    lungs = here.lungs(grid)
    image = here.tissue(grid)
    x0, y0, width, height = cv2.boundingRect(lungs)
    inside = np.s_[y0 : y0 + height, x0 : x0 + width]
    weight = cv2.GaussianBlur(lungs, (3, 3), 0)[inside].astype(np.float32) / 255
    image[inside] += weight * (_lung(patient, grid, here, textures, inside) - image[inside])
    image = _breathe(patient, image, rng)
    back = Level(patient.chest, 0.4).body()[:, 1].max()
    across = np.linspace(-235, 235, 60)
    dip = -0.0009 * across**2 if patient.scanner.curved_table else 0 * across
    for gap in (6, 16):  # the two lines of the couch
        grid.stroke(image, np.stack([across, back + gap + dip], -1)[None], -420, 1.2)
    image = _expose(patient, image, textures, rng)
    skin = grid.pixels(here.body())
    x0, y0 = np.clip(np.floor(skin.min(0)).astype(int), 0, None)
    x1, y1 = np.clip(np.ceil(skin.max(0)).astype(int) + 1, None, size)
    return apply_window(image, _WINDOW), (x0, y0, x1, y1)


def _lung(patient: Patient, grid: Grid, level: Level, textures: Textures, inside) -> np.ndarray:
    """Return HU of parenchyma, findings, vessels and bronchi in the rectangle `inside`."""
    findings = patient.findings
    drift = _drift(findings, level)
    glass, solid, fluid, dark, cloud = _findings(findings, grid, level, textures)
    y = grid.axes(_STEP)[1]
    gravity = patient.chest.gravity * y / level.half_axes[1]
    hu = np.maximum(patient.chest.lung + gravity + 12 * cloud - 90 * dark, -985)
    coarse = (m.astype(np.float32) for m in (hu, glass, solid, fluid))
    hu, glass, solid, fluid = (cv2.resize(m, (grid.size, grid.size))[inside] for m in coarse)
    hu += 16 * window_of(textures.fine, grid.size, drift)[inside]
    hu += 0.85 * glass * (_GLASS - hu)
    if findings.paving:
        network = window_of(textures.network, grid.size, drift)[inside]
        hu += 260 * findings.paving * network * glass
    cut = (grid, level, patient.trees, patient.scanner.slab)
    drawn = (draw_vessels(*cut), *draw_bronchi(*cut))
    vessels, walls, air = (m[inside].astype(np.float32) / 255 for m in drawn)
    hu += vessels * (_VESSEL - hu)
    hu += solid * (_SOLID - hu)
    hu += 0.75 * walls * (1 - solid) * (_WALL - hu)
    hu += 0.95 * air * (_AIR - hu)
    hu += fluid * (_FLUID - hu)
    return hu


def _findings(
    findings: Findings, grid: Grid, level: Level, textures: Textures
) -> tuple[np.ndarray, ...]:
    """Return `opacity`'s maps at every second pixel, and the texture of their outlines."""
    x, y = grid.axes(_STEP)
    cavity = np.zeros((grid.size, grid.size), np.uint8)
    grid.fill(cavity, level.ring(0), 255)
    wall = cv2.distanceTransform(cavity[::_STEP, ::_STEP].copy(), cv2.DIST_L2, 3)
    wall *= _STEP / grid.pixels_per_mm
    cloud = window_of(textures.cloud, grid.size, _drift(findings, level), _STEP)
    return *opacity(findings, level, x, y, wall, cloud), cloud


def _drift(findings: Findings, level: Level) -> tuple[float, float]:
    """Return the corner of the slice's window into the textures."""
    return findings.texture[0], (findings.texture[1] + 0.35 * level.level) % 1


def _breathe(patient: Patient, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the mean of two positions, for some slices of patients who move."""
    if not patient.motion or rng.random() < 0.4:
        return image
    size = image.shape[0]
    right, down = patient.motion * size / patient.field_of_view * np.array([0.4, -1.0])
    move = np.float32([[1, 0, right], [0, 1, down]])
    moved = cv2.warpAffine(image, move, (size, size), borderMode=cv2.BORDER_REPLICATE)
    return 0.55 * image + 0.45 * moved


def _expose(patient: Patient, image: np.ndarray, textures: Textures, rng) -> np.ndarray:
    """Add the kernel's blur, quantum noise (more in the middle) and the field of view."""
    scanner, size = patient.scanner, image.shape[0]
    image = cv2.GaussianBlur(image, (0, 0), scanner.blur * max(size / 512, 0.6))
    axis = (np.arange(size, dtype=np.float32) - size / 2) / (size / 2)
    squared = axis[:, None] ** 2 + axis[None, :] ** 2
    field = textures.sharp if scanner.sharp else textures.soft
    noise = window_of(field, size, tuple(rng.random(2)))
    image += patient.noise * (0.55 + 0.65 * np.exp(-2.5 * squared)) * noise
    if scanner.circle:
        image[squared > 1] = -2000
    return image
