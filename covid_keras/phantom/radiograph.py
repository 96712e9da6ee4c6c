"""Two X-ray departments, and the steps from anatomy and findings to one grey film."""

from dataclasses import dataclass, make_dataclass, replace

import cv2
import numpy as np
from numpy.random import Generator

from covid_keras.phantom.anatomy import LEFT, SIDES
from covid_keras.phantom.grid import TABLES, Grid, Textures, window_of
from covid_keras.phantom.radiograph_anatomy import SHAPES, Thorax, tissue
from covid_keras.phantom.radiograph_bones import bones
from covid_keras.phantom.radiograph_findings import Findings, opacity
from covid_keras.phantom.vessels import Tree, vary

_WATER, _BONE = 0.0195, 0.034
"""Attenuation per mm at the beam's mean energy: of water, and of bone beyond water."""
_LAYERS = 4
_LIMIT = 0.3
"""Largest detail, as a logarithm, that is still emphasised."""
_VESSEL_STEPS = 12.0
"""Grey levels per mm of a vessel's thickness."""


Department = make_dataclass("Department", TABLES["departments"][0], frozen=True)
"""One source of films; tables.toml holds and explains its properties."""
DEPARTMENTS = tuple(Department(**row) for row in TABLES["departments"])


@dataclass(frozen=True)
class Subject:
    """What all films of a patient have in common."""

    thorax: Thorax
    findings: Findings
    trees: dict[int, Tree]

    @classmethod
    def draw(cls, findings: Findings, trees: list[Tree], rng: Generator) -> "Subject":
        """Draw a random patient with these findings."""
        return cls(Thorax.draw(rng), findings, {side: vary(trees, rng) for side in SIDES})

    def on_the_day(self, rng: Generator) -> "Subject":
        """Return the subject with a new breath, posture, projection and severity."""
        frontal = bool(rng.random() < 0.35)
        breath = rng.normal(-14 if frontal else 0, 7)
        thorax = replace(
            self.thorax,
            dome={side: z + breath for side, z in self.thorax.dome.items()},
            heart=self.thorax.heart * (rng.uniform(1.06, 1.16) if frontal else 1.0),
            turn=float(np.clip(rng.normal(0, 0.045), -0.1, 0.1)),
            frontal=frontal,
        )
        findings = self.findings.scaled(rng.uniform(0.75, 1.25))
        return replace(self, thorax=thorax, findings=findings)


def expose(
    subject: Subject, department: Department, size: int, textures: Textures, rng: Generator
) -> np.ndarray:
    """Draw one film: uint8 (size, size), bone bright, the patient's right on the left."""
    thorax = subject.thorax
    scale = size / (2 * (thorax.width + 10) * rng.uniform(*department.margin))
    middle = (-28 + thorax.floor(LEFT)) / 2 + rng.normal(4, 6)
    grid = Grid(size, scale, (size / 2 + scale * rng.normal(0, 5), size / 2 - scale * middle))
    path = line_integrals(subject, grid, textures)
    turn = cv2.getRotationMatrix2D((size / 2, size / 2), rng.normal(0, 1.5), 1.0)
    path = cv2.warpAffine(path, turn, (size, size), borderMode=cv2.BORDER_REPLICATE)
    path = _detect(path, department, grid, textures, rng)
    film = _develop(path, department, grid, rng)
    top, bottom, left, right = np.round(rng.uniform(0, department.border, 4) * size).astype(int)
    film[:top], film[size - bottom :] = 4, 4  # the collimator
    film[:, :left], film[:, size - right :] = 4, 4
    _mark(film, department, rng)
    return film


def line_integrals(subject: Subject, grid: Grid, textures: Textures) -> np.ndarray:
    """Return the attenuation along each ray, float32 (H, W), as a natural logarithm."""
    thorax = subject.thorax
    parts = tissue(thorax, *grid.axes())
    replaced, solid, fluid, plates = opacity(subject.findings, thorax, grid, textures)
    vessels, bronchi = draw_trees(thorax, grid, subject.trees)
    inside = np.minimum(parts.lungs / 40, 1)
    air = (1 - thorax.lung) * parts.lungs * (1 - replaced) * (1 - fluid)
    cloud = window_of(textures.cloud, grid.size, subject.findings.texture)
    fine = window_of(textures.fine, grid.size, subject.findings.texture)
    air = air * (1 - 0.016 * cloud - 0.012 * fine)
    blood = (vessels + plates) * inside * (1 - replaced) * (1 - thorax.lung)
    tubes = subject.findings.bronchogram * bronchi * solid * inside
    soft = np.maximum(parts.body - air - parts.air + blood - tubes, 0)
    return (_WATER * soft + _BONE * bones(thorax, grid) * (parts.body > 0)).astype(np.float32)


def draw_trees(thorax: Thorax, grid: Grid, trees: dict[int, Tree]) -> tuple[np.ndarray, np.ndarray]:
    """Return mm of blood in vessels and mm of air in large bronchi, float32 (H, W)."""
    vessels, bronchi = np.zeros((2, grid.size, grid.size), np.float32)
    for layer in range(_LAYERS):
        drawn, hollow = np.zeros((2, grid.size, grid.size), np.uint8)
        for side in SIDES:
            tree = trees[side]
            depth = np.clip((tree.start[:, 1] + 1) / 2 * _LAYERS, 0, _LAYERS - 1).astype(int)
            chosen = depth == layer
            ends = (tree.start[chosen], tree.end[chosen])
            higher = 0.05 if side == LEFT else 0.02
            lines = [thorax.place(side, e[:, 0], e[:, 2] - higher) for e in ends]
            lines, radius = np.stack(lines, 1), np.minimum(1.3 * tree.radius[chosen], 3.4)
            _stroke_by_width(drawn, grid, lines, radius)
            large = (radius > 1.4) & (radius < 3)
            _stroke_by_width(hollow, grid, lines[large] + 0.5, 0.8 * radius[large])
        if layer == 0:
            for line in map(np.array, SHAPES["hila"]):
                pairs = np.stack([line[:-1], line[1:]], 1)
                _stroke_by_width(drawn, grid, pairs, np.linspace(6, 2.5, len(pairs)))
        vessels += drawn
        bronchi = np.maximum(bronchi, hollow)
    blur = (0, 0), max(0.45 * grid.pixels_per_mm, 0.4)
    return tuple(cv2.GaussianBlur(m / _VESSEL_STEPS, *blur) for m in (vessels, bronchi))


def _stroke_by_width(image: np.ndarray, grid: Grid, lines, radius) -> None:
    """Draw lines by ascending width; those thinner than a pixel are fainter."""
    width = 2 * radius * grid.pixels_per_mm
    chord = 2.4 * radius * np.minimum(width, 1)
    value = np.clip(np.ceil(chord * 4) / 4 * _VESSEL_STEPS, 0, 255).astype(int)
    grid.stroke_groups(image, lines, width, value)


def _detect(path, department: Department, grid: Grid, textures: Textures, rng) -> np.ndarray:
    """Return the logarithm of the detector's signal: blurred, with scatter and quantum noise."""
    scale = grid.pixels_per_mm
    light = cv2.GaussianBlur(np.exp(-path), (0, 0), max(department.blur * scale, 0.3))
    small = cv2.resize(light, None, fx=0.125, fy=0.125, interpolation=cv2.INTER_AREA)
    spread = cv2.GaussianBlur(small, (0, 0), 45 * scale / 8, borderType=cv2.BORDER_REPLICATE)
    light = light + department.scatter * cv2.resize(spread, light.shape[::-1]) + 1e-3
    field = textures.sharp if department.sharp else textures.soft
    noise = window_of(field, grid.size, tuple(rng.random(2)))
    sigma = rng.uniform(*department.noise) * np.sqrt(0.12 / light)
    return -np.log(light) + sigma * noise


def _develop(path, department: Department, grid: Grid, rng) -> np.ndarray:
    """Emphasise detail, normalise the exposure, and apply the characteristic curve."""
    for sigma, gain in ((16, department.detail), (3, 0.7 * department.detail)):
        detail = path - cv2.GaussianBlur(path, (0, 0), sigma * grid.pixels_per_mm)
        path = path + gain * _LIMIT * np.tanh(detail / _LIMIT)
    size = grid.size
    chest = path[size // 6 : -size // 6, size // 8 : -size // 8]
    dark, bright = np.percentile(chest[::2, ::2], (5, 94))
    level = (path - dark) / (bright - dark) - rng.uniform(0.42, 0.54)
    grey = 1 / (1 + np.exp(-department.curve * rng.uniform(0.85, 1.15) * level))
    return np.round(8 + 240 * grey).astype(np.uint8)


def _mark(film: np.ndarray, department: Department, rng: Generator) -> None:
    """Write the letter that marks the patient's left side."""
    size = film.shape[0]
    height = (0.035 if department.boxed else 0.05) * size
    x, y = (rng.uniform((0.86, 0.1), (0.91, 0.2)) * size).astype(int)
    width = max(1, round(size / (256 if department.boxed else 128)))
    font = cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(film, "L", (x, y), font, height / 22, 250, width, cv2.LINE_AA)
    if department.boxed:
        gap = round(0.012 * size)
        corner = (x + round(0.75 * height) + gap, y + gap)
        cv2.rectangle(film, (x - gap, y - round(height) - gap), corner, 235, 1)
