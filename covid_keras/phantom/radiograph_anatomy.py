"""The chest of the X-ray phantom: mm of soft tissue, lung and air along each ray.

x grows towards the patient's left (the image's right), z downwards from the apices of the lungs,
both in mm; depth goes from front (-) to back (+). Organs are ellipsoids and bent sheets, whose
chords along a ray have closed forms. A place in a lung is (side, s, level): s from 0 at the
mediastinum to 1 at the chest wall, level from 0 at the apex to 1 at the costophrenic angle.
"""

from dataclasses import dataclass

import numpy as np

from covid_keras.phantom.anatomy import LEFT, RIGHT, SIDES
from covid_keras.phantom.grid import TABLES, smoothstep, span

SHAPES = TABLES["radiograph"]
_APEX = 46.0
"""|x| of the apices."""


@dataclass(frozen=True)
class Thorax:
    """Anatomy and posture in one film. Lengths in mm."""

    width: float
    depth: float
    """Half axes of the inside of the rib cage at its widest: `width` and `depth`."""
    fat: float
    breast: float
    heart: float
    """Scale of the heart, about 1."""
    heart_shift: float
    knob: float
    """Radius of the aortic arch."""
    dome: dict[int, float]
    """z of the diaphragm's top on each side."""
    gas: float
    """Radius of the gastric bubble; 0 for none."""
    lung: float
    """Density of the lung relative to water."""
    pitch: float
    """Distance between ribs."""
    turn: float
    """Tangent of the rotation about the long axis: structures at depth d (front negative) move
    by turn * d mm."""
    frontal: bool
    """Whether it is AP with the arms down: the scapulae cover the lungs."""

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Thorax":
        """Draw a random patient."""
        dome = rng.uniform(178, 216)
        return cls(
            width=rng.uniform(122, 146),
            depth=rng.uniform(82, 104),
            fat=4 + 26 * rng.beta(1.4, 3.0),
            breast=max(0.0, rng.normal(4, 16)),
            heart=rng.uniform(0.8, 1.02),
            heart_shift=rng.normal(0, 5),
            knob=rng.uniform(12, 18),
            dome={RIGHT: dome, LEFT: dome + rng.uniform(4, 18)},
            gas=rng.uniform(14, 30) if rng.random() < 0.7 else 0.0,
            lung=rng.uniform(0.22, 0.3),
            pitch=rng.uniform(22.5, 25.5),
            turn=0.0,
            frontal=False,
        )

    @property
    def lean(self) -> float:
        """Tangent of the angle of the arms to the trunk."""
        return 0.16 if self.frontal else 0.42

    def half_width(self, z) -> np.ndarray:
        """Return the half width in mm of the inside of the rib cage."""
        rise = np.clip(z / 195, 0, 1)
        return _APEX + (self.width - _APEX) * (1 - (1 - rise) ** 2.1) ** 0.5

    def half_depth(self, z) -> np.ndarray:
        """Return the half depth in mm of the inside of the rib cage."""
        return self.depth * (0.42 + 0.58 * smoothstep(-20, 130, z))

    def medial(self, z) -> np.ndarray:
        """Return |x| of a lung's inner border above the heart."""
        return _APEX - (_APEX - 21) * np.sqrt(np.clip(z / 40, 0, 1))

    def place(self, side: int, s, level) -> np.ndarray:
        """Convert a place in a lung to mm (..., 2), x and z."""
        z = np.asarray(level) * self.floor(side)
        inner, outer = self.medial(z) + 8, self.half_width(z)
        return np.stack([side * (inner + s * (outer - inner)), z], -1)

    def floor(self, side: int) -> float:
        """Return z of the costophrenic angle."""
        return self.dome[side] + 48

    def diaphragm(self, x, side: int) -> np.ndarray:
        """Return z of the diaphragm's silhouette."""
        top = 0.47 * self.width
        away = side * x - top
        lateral = 48 * np.clip(away / (self.width - top), 0, 1.1) ** 2.4
        return self.dome[side] + lateral + 20 * np.clip(-away / top, 0, 1.2) ** 2


@dataclass(frozen=True)
class Tissue:
    """Maps of mm along each ray, float32 (H, W)."""

    body: np.ndarray
    """Whole body, its air included."""
    lungs: np.ndarray
    air: np.ndarray
    """Trachea, main bronchi and gas in the stomach."""


def tissue(thorax: Thorax, x: np.ndarray, z: np.ndarray) -> Tissue:
    """Return body, lungs and airways at x (1, W) and z (H, 1)."""
    middle = np.maximum(_mediastinum(thorax, x, z), heart(thorax, x, z))
    lungs = np.zeros(middle.shape, np.float32)
    for side in SIDES:
        part = np.s_[:, span(side * x[0] > 0)]
        lungs[part] = _lung(thorax, x[part], z, middle[part], side)
    air = _airways(thorax, x, z)
    if thorax.gas:
        centre = (0.47 * thorax.width - 6, thorax.dome[LEFT] + 10 + thorax.gas)
        bubble = ellipsoid(x, z, centre, (1.25 * thorax.gas, thorax.gas, thorax.gas), -8)
        if not thorax.frontal:  # standing patients have an air-fluid level
            bubble = bubble * (z < centre[1] + 0.3 * thorax.gas)
        air = air + bubble
    return Tissue(_body(thorax, x, z), lungs, air)


def _lung(thorax: Thorax, x, z, middle, side: int) -> np.ndarray:
    outer = thorax.half_width(z)
    depth = 2 * thorax.half_depth(z)
    chord = depth * _root(1 - (np.abs(x) / outer) ** 2.6)
    behind = smoothstep(50, 150, z)  # beside the heart the lungs nearly meet
    cap = (thorax.medial(z) + 4 + 10 * behind - side * x) / (14 + 21 * behind)
    cap = _root(1 - np.clip(cap, 0, 1)) * _root(np.clip(z / 34, 0, 1))
    recess = 16 + 32 * smoothstep(20, 0.5 * thorax.width, side * x)
    below = np.clip((z - thorax.diaphragm(x, side)) / recess, 0, 1)
    dome = 1.02 * depth * _root(1 - (1 - below) ** 2)
    return np.maximum(chord * cap - middle - dome, 0)


def heart(thorax: Thorax, x, z) -> np.ndarray:
    """Return mm of the heart and of the roots of the great vessels."""
    size, floor = thorax.heart, thorax.dome[LEFT]
    at = x - thorax.heart_shift - thorax.turn * -35
    chord = np.zeros(np.broadcast_shapes(x.shape, z.shape), np.float32)
    for px, pz, a, b, c, tilt in SHAPES["heart"]:
        centre = (px * size, floor + pz * size)
        part = ellipsoid(at, z, centre, (a * size, b * size, c * size), tilt)
        chord = np.maximum(chord, part)
    return np.maximum.accumulate(chord, axis=0)  # the heart rests on the diaphragm


def _mediastinum(thorax: Thorax, x, z) -> np.ndarray:
    """Return mm of great vessels, oesophagus, fat, aortic arch and descending aorta."""
    lower = smoothstep(70, 190, z)
    right = 28 - 3 * smoothstep(10, 60, z) - 7 * lower
    left = 27 - 4 * smoothstep(20, 90, z) - 1 * lower
    at = x - thorax.turn * 10
    fraction = _root(1 - np.clip(np.where(at < 0, -at / right, at / left), 0, 1) ** 2)
    band = (1.5 - 0.25 * lower) * thorax.half_depth(z) * fraction
    arch = ellipsoid(at, z, (22, 62), (thorax.knob, thorax.knob * 1.15, 45), 0)
    along = 26 - 10 * smoothstep(70, 240, z)
    aorta = 24 * _root(1 - ((at - along + 4) / 12) ** 2) * smoothstep(60, 66, z)
    return np.maximum(np.maximum(band, arch), band * 0.6 + aorta).astype(np.float32)


def _airways(thorax: Thorax, x, z) -> np.ndarray:
    carina = 82.0
    at = x - thorax.turn * 5 + 4 * smoothstep(20, 60, z)
    trachea = 17 * _root(1 - (at / 8.5) ** 2) * smoothstep(carina + 8, carina - 2, z)
    bronchi = 0.0
    for side, slope in ((RIGHT, 0.75), (LEFT, 1.1)):
        away = side * at - slope * (z - carina)
        inside = smoothstep(carina - 4, carina, z) * smoothstep(carina + 34, carina + 22, z)
        bronchi = bronchi + 12 * _root(1 - (away / (6.5 * np.hypot(1, slope))) ** 2) * inside
    return np.maximum(trachea, bronchi).astype(np.float32)


def _body(thorax: Thorax, x, z) -> np.ndarray:
    fat, width = thorax.fat, thorax.width
    nodes = (-120, -70, -48, -34, -20, -4, 25, 80, 150, 220, 300, 420)
    torso = width + 20 + fat
    wide = (62, 58, 62, 84, 128, 165, 190, 192, torso + 14, torso, torso + 2, torso + 4)
    deep = (52, 50, 56, 62, 68, 76, 92, 104, 1, 1, 1, 1)
    trunk = thorax.depth + 14 + 0.8 * fat
    half = np.interp(z, nodes, wide)
    depth = np.minimum(np.interp(z, nodes, [d if d > 1 else trunk for d in deep]), trunk)
    chord = 2 * depth * _root(1 - (np.abs(x) / half) ** 3)
    for side in SIDES:
        arm, away = 40 + 0.4 * fat, side * x - 178 - thorax.lean * (z - 20) - 0.4 * fat
        arm = 2 * arm * _root(1 - (away / arm) ** 2) * smoothstep(-12, 22, z)
        chord = np.maximum(chord, arm)
        outline = (side * 0.56 * width, thorax.dome[side] - 22)
        radius = 40 + 1.1 * thorax.breast
        if thorax.breast > 2:
            bulge = ellipsoid(x, z, outline, (radius, 0.92 * radius, 0.5 * thorax.breast), 0)
            chord = chord + bulge * (chord > 0)
        pectoral = smoothstep(0, 26, side * x - 92 + 0.35 * (z - 60))
        chord = chord + 9 * pectoral * smoothstep(5, 40, z) * smoothstep(112, 84, z) * (chord > 0)
    return chord.astype(np.float32)


def ellipsoid(x, z, centre, radii, tilt: float) -> np.ndarray:
    """Return the chord in mm of an ellipsoid, its first axis turned by `tilt` degrees to +z."""
    chord = np.zeros((z.shape[0], x.shape[1]), np.float32)
    reach = max(radii[:2])
    rows = span(np.abs(z[:, 0] - centre[1]) < reach)
    columns = span(np.abs(x[0] - centre[0]) < reach)
    cos, sin = np.cos(np.deg2rad(tilt)), np.sin(np.deg2rad(tilt))
    dx, dz = x[:, columns] - np.float32(centre[0]), z[rows] - np.float32(centre[1])
    u, v = (dx * cos + dz * sin) / radii[0], (dz * cos - dx * sin) / radii[1]
    chord[rows, columns] = 2 * radii[2] * _root(1 - u * u - v * v)
    return chord


def _root(value) -> np.ndarray:
    return np.sqrt(np.maximum(value, 0))
