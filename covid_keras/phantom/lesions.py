"""Findings of disease, and findings that only look similar, in a CT slice.

COVID-19 is bilateral and peripheral, more at the back and the base: ground glass, in some patients
with crazy paving or consolidation. Other pneumonia is mostly one-sided lobar consolidation, in
some with air bronchograms and effusion; else bronchopneumonia or ground glass (Bai et al.,
Radiology 2020; Simpson et al., RSNA consensus, 2020). Dependent density, scars, nodules, emphysema
and air trapping are equally frequent in every class.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from covid_keras.phantom.anatomy import LUNG_HEIGHT, SIDES, Level
from covid_keras.phantom.grid import TABLES, smoothstep

NORMAL, PNEUMONIA, COVID = 0, 1, 2


@dataclass(frozen=True)
class Blob:
    """A Gaussian density at a place of the lung; its outline is made irregular later."""

    side: int
    place: tuple[float, ...]
    """Lung coordinates: (s, t, level) in CT, (s, level) in a radiograph."""
    radius: tuple[float, ...]
    """Standard deviation in mm: along x, y and z in CT, along x and z in a radiograph."""
    strength: float
    """Density; in a radiograph the fraction of the air that fluid replaces, before saturation."""
    solid: bool = False
    """Whether it is consolidation, which hides vessels, or ground glass (haze)."""
    incidental: bool = False
    """Whether it is as frequent in every class."""

    def add_to(self, glass: np.ndarray, solid: np.ndarray, x, y, centre, peak: float) -> None:
        """Add `peak` times the Gaussian around `centre` in mm to one of the maps, on its side."""
        axes = zip((x, y), centre, self.radius[:2], strict=True)
        across, along = (np.exp(-0.5 * ((at - middle) / r) ** 2) for at, middle, r in axes)
        target = solid if self.solid else glass
        target += across * along * peak * (x * self.side > 0)


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

    def of_disease(self) -> "Findings":
        """Return the findings without those that are as frequent in every class."""
        blobs = [blob for blob in self.blobs if not blob.incidental]
        return replace(self, blobs=blobs, dependent=0.0, trapping=0.0, emphysema=0.0)


def sometimes(rng: np.random.Generator, chance: float, low: float, high: float) -> float:
    """Return a number between `low` and `high` with probability `chance`, else 0."""
    return rng.uniform(low, high) if rng.random() < chance else 0.0


def around(
    rng: np.random.Generator, mean: float, deviation: float, low: float, high: float
) -> float:
    """Return a normal number, clipped to [low, high]."""
    return float(np.clip(rng.normal(mean, deviation), low, high))


def draw_findings(kind: int, rng: np.random.Generator) -> Findings:
    """Draw the findings of a patient of class `kind`: NORMAL, PNEUMONIA or COVID."""
    common = {
        "dependent": sometimes(rng, 0.4, 0.3, 1),
        "trapping": sometimes(rng, 0.3, 0.2, 0.7),
        "emphysema": sometimes(rng, 0.15, 0.4, 1),
        "texture": tuple(rng.random(2)),
    }
    blobs = _incidental(rng)
    if kind == NORMAL:
        return Findings(blobs, **common)
    return (_covid if kind == COVID else _pneumonia)(rng, blobs, common)


def _covid(rng: np.random.Generator, blobs: list[Blob], common: dict) -> Findings:
    severity = rng.beta(1.5, 1.7)
    sides = SIDES if rng.random() < 0.85 else [rng.choice(SIDES)]
    solid = rng.uniform(0.2, 0.6) if rng.random() < 0.3 else 0.05
    spread = rng.uniform(0.7, 1) if rng.random() < 0.8 else rng.uniform(0.3, 0.7)
    for _ in range(6 + round(18 * severity)):
        side = int(rng.choice(sides))
        s = spread + (1 - spread) * rng.uniform(-0.3, 1)
        t = 1 - 1.5 * rng.beta(1.2, 2.0)
        level = rng.uniform(0.2, 0.35) + 0.65 * rng.beta(1.8, 1.2)
        radius = tuple(rng.uniform(10, 20, 3) * (1, 1.35, 2.6) * (0.85 + 0.6 * severity))
        strength = rng.uniform(0.5, 1.0)
        blobs.append(Blob(side, (s, t, level), radius, strength, rng.random() < solid))
    paving = sometimes(rng, 0.35, 0.4, 1)
    return Findings(blobs, paving=paving, peripheral=rng.uniform(28, 60), **common)


def _pneumonia(rng: np.random.Generator, blobs: list[Blob], common: dict) -> Findings:
    severity = rng.beta(1.5, 1.7)
    pattern = rng.choice(["lobar", "broncho", "viral"], p=[0.6, 0.25, 0.15])
    side = int(rng.choice(SIDES))
    if pattern == "lobar":
        return _lobar(rng, blobs, common, severity, side)
    sides = SIDES if pattern == "viral" or rng.random() < 0.4 else [side]
    if pattern == "broncho":
        count, size, solid = 10 + round(26 * severity), (5, 11), 0.55
    else:
        count, size, solid = 5 + round(10 * severity), (12, 28), 0.08
    level, t = rng.uniform(0.35, 0.85), rng.uniform(-0.4, 0.7)
    for _ in range(count):
        side = int(rng.choice(sides))
        s, row = rng.uniform(0.1, 0.85), around(rng, t, 0.35, -0.85, 0.9)
        place = (s, row, around(rng, level, 0.2, 0.1, 1))
        radius = tuple(rng.uniform(*size, 3) * (1, 1, 2.2))
        blobs.append(Blob(side, place, radius, rng.uniform(0.5, 1.0), rng.random() < solid))
    effusion = {sides[0]: rng.uniform(0.62, 0.9)} if rng.random() < 0.2 else {}
    return Findings(blobs, effusion=effusion, **common)


def _lobar(rng, blobs: list[Blob], common: dict, severity: float, side: int) -> Findings:
    behind = bool(rng.random() < 0.65)
    fissure = rng.uniform(-0.2, 0.35)
    level = rng.uniform(0.55, 0.85) if behind else rng.uniform(0.25, 0.7)
    reach = 0.45 * (1 if behind else -1)
    size = 22 + 26 * severity
    for index in range(3 + round(3 * severity)):
        s = rng.uniform(0.25, 0.85)
        t = float(np.clip(fissure + reach * rng.uniform(0.3, 1.6), -0.9, 0.9))
        place = (s, t, around(rng, level, 0.1, 0.1, 1))
        radius = tuple(size * rng.uniform(0.6, 1.2, 3) * (1, 1, 2.6))
        strength = rng.uniform(0.7, 1.1)
        blobs.append(Blob(side, place, radius, strength, index > 0 or rng.random() < 0.6))
    effusion = {side: rng.uniform(0.62, 0.9)} if rng.random() < 0.35 else {}
    return Findings(blobs, lobe=(side, fissure, behind), effusion=effusion, **common)


def _incidental(rng: np.random.Generator) -> list[Blob]:
    """Draw nodules, scars and small unspecific opacities, as frequent in every class."""
    blobs = []
    for kind in TABLES["incidental"]:
        for _ in range(rng.binomial(3, kind["chance"])):
            place = tuple(rng.uniform((0.2, -0.8, 0.2), (1, 0.9, 0.95)))
            radius = tuple(rng.uniform(*kind["radius"]) * np.array(kind["stretch"]))
            side, strength = int(rng.choice(SIDES)), rng.uniform(0.5, 1.0)
            blobs.append(Blob(side, place, radius, strength, kind["solid"], incidental=True))
    return blobs


def opacity(
    findings: Findings, level: Level, x, y, wall: np.ndarray, cloud: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return maps of the findings at one level, (h, w) in [0, 1]: glass, solid, fluid and dark.

    Dark is the loss of density by emphysema and air trapping.

    Args:
        x, y: axes in mm, (1, w) and (h, 1).
        wall: distance from the chest wall in mm, (h, w).
        cloud: texture of outlines, (h, w).
    """
    glass, solid = _sum_blobs(findings, level, x, y, cloud)
    if findings.peripheral:
        glass *= np.exp(-((wall / findings.peripheral) ** 2))
    t = y / level.half_axes[1]
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
    fluid = np.zeros(wall.shape, np.float32)
    for side, row in findings.effusion.items():
        top = row + 0.3 * (1 - level.level)
        meniscus = t + 0.1 * np.exp(-wall / 6)
        fluid += smoothstep(top - 0.015, top + 0.015, meniscus) * (x * side > 0)
    mosaic = findings.trapping * smoothstep(0.1, 0.7, cloud)
    holes = findings.emphysema * smoothstep(1.0, 1.5, -cloud)
    return glass_map, solid_map, fluid, np.maximum(mosaic * 0.5, holes)


def _sum_blobs(findings: Findings, level: Level, x, y, cloud: np.ndarray) -> tuple[np.ndarray, ...]:
    glass, solid = np.zeros((2, *cloud.shape), np.float32)
    for blob in findings.blobs:
        s, t, middle = np.float64(blob.place)
        dz = (level.level - middle) * LUNG_HEIGHT / blob.radius[2]
        if abs(dz) > 2.5:
            continue
        centre = level.place(s, t, blob.side).astype(np.float32)
        peak = np.float32(blob.strength * np.exp(-0.5 * dz * dz))
        blob.add_to(glass, solid, x, y, centre, peak)
    return glass, solid
