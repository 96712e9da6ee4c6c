"""Findings of disease, and findings that only look similar, in a CT slice.

COVID-19 is bilateral and peripheral, more at the back and the base: ground glass, in some patients
with crazy paving or consolidation. Other pneumonia is mostly one-sided lobar consolidation, in
some with air bronchograms and effusion; else bronchopneumonia or ground glass (Bai et al.,
Radiology 2020; Simpson et al., RSNA consensus, 2020). Dependent density, scars, nodules, emphysema
and air trapping are equally frequent in every class.
"""

from dataclasses import dataclass, field

import numpy as np

from covid_keras.phantom.anatomy import LEFT, LUNG_HEIGHT, RIGHT, Level
from covid_keras.phantom.grid import smoothstep

NORMAL, PNEUMONIA, COVID = 0, 1, 2


@dataclass(frozen=True)
class Blob:
    """A Gaussian density at a place of the lung; its outline is made irregular later."""

    side: int
    s: float
    t: float
    level: float
    radius: tuple[float, float, float]
    """Standard deviation in mm along x, y and z."""
    strength: float
    solid: bool = False
    """Whether it is consolidation, which hides vessels, or ground glass."""


@dataclass(frozen=True)
class Findings:
    """All findings of one patient."""

    blobs: list[Blob] = field(default_factory=list)
    paving: float = 0.0
    """Strength of the thickened septa within ground glass."""
    peripheral: float = 0.0
    """Distance in mm from the chest wall over which ground glass fades; 0: does not fade."""
    lobe: tuple[int, float, bool] | None = None
    """Side, row t of the fissure that bounds consolidation, and whether it lies behind it."""
    effusion: dict[int, float] = field(default_factory=dict)
    """Row t above which fluid stands, for each side."""
    dependent: float = 0.0
    """Strength of the density under the pleura of the back."""
    trapping: float = 0.0
    """Strength of the mosaic of air trapping."""
    emphysema: float = 0.0
    texture: tuple[float, float] = (0.0, 0.0)
    """Corner of the patient's window into the textures."""


def draw_findings(kind: int, rng: np.random.Generator) -> Findings:
    """Draw the findings of a patient of class `kind`: NORMAL, PNEUMONIA or COVID."""
    common = {
        "dependent": rng.uniform(0.3, 1) if rng.random() < 0.4 else 0.0,
        "trapping": rng.uniform(0.2, 0.7) if rng.random() < 0.3 else 0.0,
        "emphysema": rng.uniform(0.4, 1) if rng.random() < 0.15 else 0.0,
        "texture": tuple(rng.random(2)),
    }
    blobs = _incidental(rng)
    if kind == NORMAL:
        return Findings(blobs, **common)
    return (_covid if kind == COVID else _pneumonia)(rng, blobs, common)


def _covid(rng: np.random.Generator, blobs: list[Blob], common: dict) -> Findings:
    severity = rng.beta(1.5, 1.7)
    sides = [RIGHT, LEFT] if rng.random() < 0.85 else [rng.choice([RIGHT, LEFT])]
    solid = rng.uniform(0.2, 0.6) if rng.random() < 0.3 else 0.05
    spread = rng.uniform(0.7, 1) if rng.random() < 0.8 else rng.uniform(0.3, 0.7)
    blobs += [
        Blob(
            side=int(rng.choice(sides)),
            s=spread + (1 - spread) * rng.uniform(-0.3, 1),
            t=1 - 1.5 * rng.beta(1.2, 2.0),
            level=rng.uniform(0.2, 0.35) + 0.65 * rng.beta(1.8, 1.2),
            radius=tuple(rng.uniform(10, 20, 3) * (1, 1.35, 2.6) * (0.85 + 0.6 * severity)),
            strength=rng.uniform(0.5, 1.0),
            solid=bool(rng.random() < solid),
        )
        for _ in range(6 + round(18 * severity))
    ]
    paving = rng.uniform(0.4, 1) if rng.random() < 0.35 else 0.0
    return Findings(blobs, paving=paving, peripheral=rng.uniform(28, 60), **common)


def _pneumonia(rng: np.random.Generator, blobs: list[Blob], common: dict) -> Findings:
    severity = rng.beta(1.5, 1.7)
    pattern = rng.choice(["lobar", "broncho", "viral"], p=[0.6, 0.25, 0.15])
    side = int(rng.choice([RIGHT, LEFT]))
    if pattern == "lobar":
        return _lobar(rng, blobs, common, severity, side)
    sides = [RIGHT, LEFT] if pattern == "viral" or rng.random() < 0.4 else [side]
    count = 10 + round(26 * severity) if pattern == "broncho" else 5 + round(10 * severity)
    size = (5, 11) if pattern == "broncho" else (12, 28)
    level, t = rng.uniform(0.35, 0.85), rng.uniform(-0.4, 0.7)
    blobs += [
        Blob(
            side=int(rng.choice(sides)),
            s=rng.uniform(0.1, 0.85),
            t=float(np.clip(rng.normal(t, 0.35), -0.85, 0.9)),
            level=float(np.clip(rng.normal(level, 0.2), 0.1, 1)),
            radius=tuple(rng.uniform(*size, 3) * (1, 1, 2.2)),
            strength=rng.uniform(0.5, 1.0),
            solid=bool(rng.random() < (0.55 if pattern == "broncho" else 0.08)),
        )
        for _ in range(count)
    ]
    return Findings(blobs, effusion=_effusion(rng, sides[0], 0.2), **common)


def _lobar(rng, blobs: list[Blob], common: dict, severity: float, side: int) -> Findings:
    behind = bool(rng.random() < 0.65)
    fissure = rng.uniform(-0.2, 0.35)
    level = rng.uniform(0.55, 0.85) if behind else rng.uniform(0.25, 0.7)
    reach = 0.45 * (1 if behind else -1)
    size = 22 + 26 * severity
    blobs += [
        Blob(
            side=side,
            s=rng.uniform(0.25, 0.85),
            t=float(np.clip(fissure + reach * rng.uniform(0.3, 1.6), -0.9, 0.9)),
            level=float(np.clip(rng.normal(level, 0.1), 0.1, 1)),
            radius=tuple(size * rng.uniform(0.6, 1.2, 3) * (1, 1, 2.6)),
            strength=rng.uniform(0.7, 1.1),
            solid=index > 0 or rng.random() < 0.6,
        )
        for index in range(3 + round(3 * severity))
    ]
    effusion = _effusion(rng, side, 0.35)
    return Findings(blobs, lobe=(side, fissure, behind), effusion=effusion, **common)


def _effusion(rng: np.random.Generator, side: int, chance: float) -> dict[int, float]:
    return {side: rng.uniform(0.62, 0.9)} if rng.random() < chance else {}


def _incidental(rng: np.random.Generator) -> list[Blob]:
    """Draw nodules, scars and small unspecific opacities, as frequent in every class."""
    blobs = []
    for chance, low, high, stretch, solid in (
        (0.3, 1.5, 4, (1, 1, 1), True),  # nodule
        (0.25, 2, 3, (5, 0.8, 4), True),  # scar or plate of atelectasis
        (0.25, 5, 10, (1, 1, 1.4), False),  # unspecific ground glass
    ):
        for _ in range(rng.binomial(3, chance)):
            place = rng.uniform((0.2, -0.8, 0.2), (1, 0.9, 0.95))
            radius = tuple(rng.uniform(low, high) * np.array(stretch))
            side, strength = int(rng.choice([RIGHT, LEFT])), rng.uniform(0.5, 1.0)
            blobs.append(Blob(side, *map(float, place), radius, strength, solid))
    return blobs


@dataclass(frozen=True)
class Opacity:
    """Maps of the findings, float32 (h, w) in [0, 1]."""

    glass: np.ndarray
    solid: np.ndarray
    fluid: np.ndarray
    dark: np.ndarray
    """Loss of density by emphysema and air trapping."""


def opacity(findings: Findings, level: Level, x, y, wall: np.ndarray, cloud: np.ndarray) -> Opacity:
    """Return the maps of the findings at one level.

    Args:
        x, y: axes in mm, (1, w) and (h, 1).
        wall: distance from the chest wall in mm, (h, w).
        cloud: texture of outlines, (h, w).
    """
    glass, solid = _sum_blobs(findings, level, x, y, cloud)
    if findings.peripheral:
        glass *= np.exp(-((wall / findings.peripheral) ** 2))
    b = level.half_axes[1]
    t = y / b
    if findings.lobe:
        side, row, behind = findings.lobe
        beyond = t - row - 0.0016 * (np.abs(x) - 60)
        inside = smoothstep(-0.012, 0.012, beyond if behind else -beyond)
        bounded = np.where(x * side > 0, inside, 1)
        solid, glass = solid * bounded, glass * (0.35 + 0.65 * bounded)
    irregular = 1 + 0.32 * cloud
    glass_map = 0.9 * smoothstep(0.22, 0.75, glass * irregular)
    solid_map = smoothstep(0.38, 0.6, solid * irregular)
    glass_map = np.maximum(glass_map, 0.7 * smoothstep(0.15, 0.6, solid * irregular))
    if findings.dependent:
        back = smoothstep(0.35, 0.8, t) * np.exp(-((wall / 9) ** 2)) * (1 + 0.4 * cloud)
        glass_map = np.maximum(glass_map, 0.65 * findings.dependent * np.clip(back, 0, 1))
    fluid = _fluid(findings, level, x, t, wall)
    return Opacity(glass_map, solid_map, fluid, _dark(findings, cloud))


def _sum_blobs(findings: Findings, level: Level, x, y, cloud: np.ndarray):
    glass, solid = np.zeros((2, *cloud.shape), np.float32)
    for blob in findings.blobs:
        dz = (level.level - blob.level) * LUNG_HEIGHT / blob.radius[2]
        if abs(dz) > 2.5:
            continue
        place = level.place(np.float64(blob.s), np.float64(blob.t), blob.side).astype(np.float32)
        dx, dy = (x - place[0]) / blob.radius[0], (y - place[1]) / blob.radius[1]
        shape = np.exp(-0.5 * dx * dx) * np.exp(-0.5 * dy * dy)
        shape = shape * np.float32(blob.strength * np.exp(-0.5 * dz * dz))
        target = solid if blob.solid else glass
        target += shape * (x * blob.side > 0)
    return glass, solid


def _fluid(findings: Findings, level: Level, x, t, wall: np.ndarray) -> np.ndarray:
    fluid = np.zeros(wall.shape, np.float32)
    for side, row in findings.effusion.items():
        top = row + 0.3 * (1 - level.level)
        meniscus = t + 0.1 * np.exp(-wall / 6)
        fluid += smoothstep(top - 0.015, top + 0.015, meniscus) * (x * side > 0)
    return fluid


def _dark(findings: Findings, cloud: np.ndarray) -> np.ndarray:
    mosaic = findings.trapping * smoothstep(0.1, 0.7, cloud)
    holes = findings.emphysema * smoothstep(1.0, 1.5, -cloud)
    return np.maximum(mosaic * 0.5, holes)
