"""Findings of disease, and findings that only look similar, in a chest radiograph.

COVID-19 is bilateral, peripheral and lower, hazy or reticular, in some patients with consolidation;
mild disease is invisible (Wong et al., Radiology 2020; Jacobi et al., Clin. Imaging 2020). Other
pneumonia is mostly one-sided lobar or segmental consolidation, in some with air bronchograms and
effusion; else bronchopneumonia or bilateral haze. Plates of atelectasis, nodules and small haze
are equally frequent in every class.
"""

import dataclasses
from dataclasses import dataclass, field

import cv2
import numpy as np

from covid_keras.phantom.anatomy import LEFT, SIDES
from covid_keras.phantom.grid import Grid, Textures, smoothstep, window_of
from covid_keras.phantom.lesions import COVID, NORMAL, Blob, around, sometimes
from covid_keras.phantom.radiograph_anatomy import SHAPES, Thorax

_STEP = 2  # opacities are smooth: computed at every second pixel


@dataclass(frozen=True)
class Findings:
    """All findings of one patient."""

    blobs: list[Blob] = field(default_factory=list)
    fissure: tuple[int, float, bool] | None = None
    """Side, level of the fissure that bounds consolidation, and whether it lies below it."""
    bronchogram: float = 0.0
    """Fraction of the bronchi that stay full of air within consolidation."""
    network: float = 0.0
    """Strength of thickened septa within haze."""
    peripheral: float = 0.0
    """How much haze spares the inner part of the lung, 0 to 1."""
    effusion: dict[int, float] = field(default_factory=dict)
    """Height of fluid above the costophrenic angle in mm, for each side."""
    plates: list[tuple[int, float, float]] = field(default_factory=list)
    """Plates of atelectasis: side, s, level."""
    texture: tuple[float, float] = (0.0, 0.0)
    """Corner of the patient's window into the textures."""

    def plus(self, blobs: list[Blob], **changes) -> "Findings":
        """Return these findings with more blobs and with other changes."""
        return dataclasses.replace(self, blobs=self.blobs + blobs, **changes)

    def scaled(self, factor: float) -> "Findings":
        """Return the same disease with `factor` times its density."""
        blobs = [dataclasses.replace(b, strength=b.strength * factor) for b in self.blobs]
        return dataclasses.replace(self, blobs=blobs)


def draw_findings(kind: int, rng: np.random.Generator) -> Findings:
    """Draw the findings of a patient of class `kind`: NORMAL, PNEUMONIA or COVID."""
    blobs = _incidental(rng)
    plates = [(int(rng.choice(SIDES)), *rng.uniform((0.3, 0.6), (0.7, 0.8))) for _ in range(2)]
    plates = plates[: rng.binomial(2, 0.15)]
    common = Findings(blobs, plates=plates, texture=tuple(rng.random(2)))
    if kind == NORMAL:
        return common
    sick = (_covid if kind == COVID else _pneumonia)(rng, common)
    return sick.scaled(0.15) if rng.random() < 0.12 else sick  # barely visible


def _covid(rng: np.random.Generator, findings: Findings) -> Findings:
    severity = rng.beta(1.3, 1.6)
    sides = SIDES if rng.random() < 0.88 else (int(rng.choice(SIDES)),)
    solid = 0.4 if rng.random() < 0.25 else 0.04
    blobs = []
    for index in range(5 + round(11 * severity)):
        s = 1 - 0.55 * rng.beta(1.2, 1.8)
        place = (s, rng.uniform(0.25, 0.45) + 0.5 * rng.beta(2.0, 1.3))
        radius = tuple(rng.uniform(14, 26, 2) * (1, 1.25))
        strength = rng.uniform(0.12, 0.3) * (0.45 + severity)
        side = sides[index % len(sides)]
        blobs.append(Blob(side, place, radius, strength, rng.random() < solid))
    network = sometimes(rng, 0.6, 0.3, 1)
    return findings.plus(blobs, network=network, peripheral=rng.uniform(0.4, 0.9))


def _pneumonia(rng: np.random.Generator, findings: Findings) -> Findings:
    severity, side = rng.beta(1.3, 1.6), int(rng.choice(SIDES))
    pattern = rng.choice(["lobar", "broncho", "haze"], p=[0.65, 0.2, 0.15])
    if pattern == "lobar":
        return _lobar(rng, findings, severity, side)
    haze = pattern == "haze"
    count, size, density = (7, (14, 26), 0.9) if haze else (12, (7, 14), 1.8)
    level, s = rng.uniform(0.4, 0.8), rng.uniform(0.2, 0.6)
    blobs = []
    for index in range(4 + round(count * severity)):
        other = index % 2 if haze else rng.random() < 0.2
        place = (around(rng, s, 0.2, 0.05, 0.95), around(rng, level, 0.14, 0.15, 0.92))
        radius = tuple(rng.uniform(*size, 2))
        strength = rng.uniform(0.12, 0.3) * (0.5 + severity) * density
        solid = not haze and rng.random() < 0.6
        blobs.append(Blob(-side if other else side, place, radius, strength, solid))
    network = sometimes(rng, 0.5, 0.2, 0.8) if haze else 0.0
    effusion = {side: rng.uniform(14, 48)} if rng.random() < 0.2 else {}
    return findings.plus(blobs, network=network, effusion=effusion)


def _lobar(rng: np.random.Generator, findings: Findings, severity: float, side: int) -> Findings:
    lobe = SHAPES["lobes"]["left" if side == LEFT else "right"][rng.integers(3)]
    level, s, size = rng.uniform(*lobe["level"]), rng.uniform(*lobe["s"]), 13 + 16 * severity
    blobs = []
    for _ in range(3 + round(4 * severity)):
        place = (around(rng, s, 0.15, 0.05, 0.95), around(rng, level, 0.06, 0.12, 0.92))
        radius = tuple(size * rng.uniform(0.7, 1.3, 2))
        strength = rng.uniform(0.3, 0.55) * (0.7 + 0.5 * severity)
        blobs.append(Blob(side, place, radius, strength, rng.random() < 0.75))
    return findings.plus(
        blobs,
        fissure=(side, lobe["fissure"], lobe["below"]) if "fissure" in lobe else None,
        bronchogram=sometimes(rng, 0.6, 0.5, 1),
        effusion={side: rng.uniform(14, 48)} if rng.random() < 0.3 else {},
    )


def _incidental(rng: np.random.Generator) -> list[Blob]:
    blobs = []
    for chance, low, high, strength in ((0.2, 2, 4, 0.45), (0.3, 12, 20, 0.11)):
        for _ in range(rng.binomial(2, chance)):  # nodules; unspecific haze
            place = tuple(rng.uniform((0.15, 0.2), (0.9, 0.85)))
            size = rng.uniform(low, high)
            side = int(rng.choice(SIDES))
            blobs.append(Blob(side, place, (size, size), strength * rng.uniform(0.4, 1)))
    return blobs


def opacity(
    findings: Findings, thorax: Thorax, grid: Grid, textures: Textures
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return maps of the findings in one radiograph, float32 (H, W).

    Returns:
        The fractions, 0 to 1, of the air along the ray that are replaced, and that are replaced by
        consolidation; the fraction of the lung that an effusion displaces; atelectasis in mm.
    """
    x, z = grid.axes(_STEP)
    cloud = window_of(textures.cloud, grid.size, findings.texture, _STEP)
    network = window_of(textures.network, grid.size, findings.texture, _STEP)
    glass, solid = _sum_blobs(findings, thorax, x, z)
    irregular = np.maximum(1 + 0.33 * cloud, 0)
    inner, outer = thorax.medial(z) + 8, thorax.half_width(z)
    s = (np.abs(x) - inner) / (outer - inner)
    glass = glass * irregular * (1 - findings.peripheral * smoothstep(0.7, 0.1, s))
    glass = 0.75 * (1 - np.exp(-1.3 * glass * (1 + findings.network * 1.1 * (network - 0.2))))
    solid = 0.68 * smoothstep(0.02, 1.0, solid * np.sqrt(irregular))
    share = 1 - (1 - glass) * (1 - solid)
    maps = (share, solid, _fluid(findings, thorax, x, z))
    size = (grid.size, grid.size)
    share, solid, fluid = (cv2.resize(m.astype(np.float32), size) for m in maps)
    plates = np.zeros(size, np.float32)
    for side, s, level in findings.plates:
        px, pz = thorax.place(side, s, level)
        line = np.array([[px - 22, pz + 5 * side], [px, pz + 1], [px + 20, pz - 4 * side]])
        grid.stroke(plates, line[None], 9, 2.2)
    plates = cv2.GaussianBlur(plates, (0, 0), max(0.9 * grid.pixels_per_mm, 0.4))
    return share, solid, fluid, plates


def _sum_blobs(findings: Findings, thorax: Thorax, x, z) -> tuple[np.ndarray, np.ndarray]:
    glass, solid = np.zeros((2, z.shape[0], x.shape[1]), np.float32)
    for blob in findings.blobs:
        centre = thorax.place(blob.side, *blob.place).astype(np.float32)
        blob.add_to(glass, solid, x, z, centre, blob.strength)
    if findings.fissure:
        side, level, below = findings.fissure
        beyond = z - level * thorax.floor(side) - 0.1 * (np.abs(x) - 70)
        kept = smoothstep(-1.5, 1.5, beyond if below else -beyond)
        kept = np.where(x * side > 0, kept, 1)
        solid, glass = solid * kept, glass * (0.3 + 0.7 * kept)
    return glass, solid


def _fluid(findings: Findings, thorax: Thorax, x, z) -> np.ndarray:
    """Return an effusion in the angle, higher at the chest wall (the meniscus)."""
    fluid = np.zeros((z.shape[0], x.shape[1]), np.float32)
    for side, height in findings.effusion.items():
        wall = np.maximum(thorax.half_width(z) - side * x, 0)
        top = thorax.floor(side) - height * (0.5 + 0.9 * np.exp(-wall / 18))
        fluid += 0.92 * smoothstep(-4, 10, z - top) * (x * side > 0)
    return fluid
