"""Ribs, clavicles, scapulae, spine and arms: mm of bone along each ray of a radiograph."""

import cv2
import numpy as np

from covid_keras.phantom.anatomy import SIDES
from covid_keras.phantom.grid import Grid, smoothstep, span
from covid_keras.phantom.radiograph_anatomy import SHAPES, Thorax, ellipsoid

_MARROW = 0.16
"""Ratio of the mineral of marrow bone to that of compact bone."""


def bones(thorax: Thorax, grid: Grid) -> np.ndarray:
    """Return mm of compact bone, float32 (H, W); marrow counts by its mineral."""
    x, z = grid.axes()
    mineral = np.zeros((grid.size, grid.size), np.float32)
    middle = np.abs(x[0]) < 60
    mineral[:, middle] = _spine(thorax, x[:, middle], z)
    for side in SIDES:
        columns = span(side * x[0] > -12)
        for number in range(len(SHAPES["ribs"])):
            _add_rib(mineral, thorax, x[:, columns], z, columns, side, number)
        mineral[:, columns] += _clavicle(thorax, x[:, columns], z, side)
        mineral += _shoulder(thorax, grid, x, z, side)
    return mineral


def _tube(distance, half: float, deep: float, cortex: float) -> np.ndarray:
    """Return the mineral chord of a hollow flat tube, `distance` mm from its axis."""
    outer = deep * np.sqrt(np.maximum(1 - (distance / half) ** 2, 0))
    inner = np.maximum(1 - (distance / (half - cortex)) ** 2, 0)
    inner = (deep - 2 * cortex) * np.sqrt(inner)
    return outer - (1 - _MARROW) * inner


def _add_rib(mineral, thorax: Thorax, x, z, columns: slice, side: int, number: int) -> None:
    """Add a rib: a tilted half ellipse whose back half lies above its front half."""
    drop, front = SHAPES["ribs"][number]
    drop *= thorax.pitch / 24
    top = -14 + thorax.pitch * number
    rows = span((z[:, 0] > top - 12) & (z[:, 0] < top + drop + 12))
    z = z[rows]
    wide = float(thorax.half_width(top + drop / 2)) + 3 if number else 62.0
    deep = float(thorax.half_depth(top + drop / 2))
    cosine = np.clip(1 - 2 * (z - top) / drop, -1, 1)
    across = (side * (x - thorax.turn * (deep * cosine))) / wide
    down = (z - top - drop / 2) / (drop / 2)
    radius = np.hypot(across, down) + 1e-6
    near = np.nonzero(np.abs(radius - 1) < 16 / min(drop, 2 * wide))  # the others are not bone
    across, down, radius = (m[near] for m in np.broadcast_arrays(across, down, radius))
    slope = np.hypot(across / wide, down / (drop / 2)) / radius
    distance = (radius - 1) / slope
    angle = np.arctan2(across, -down)
    half = 5.6 + 1.5 * smoothstep(1.2, 2.4, angle)
    plane = np.hypot(wide * np.cos(angle), drop / 2 * np.sin(angle))
    longer = np.minimum(np.hypot(plane, deep * np.sin(angle)) / plane, 2.0)
    ends = smoothstep(0.1, 0.16, angle) * smoothstep(front, front - 0.05, angle)
    edge = 1 + 0.25 * smoothstep(0.2, 0.9, distance / half)  # the lower border is an edge
    chord = _tube(distance, half, 6.0 - 1.2 * smoothstep(1.4, 2.2, angle), 1.1)
    mineral[rows, columns][near] += chord * longer * ends / edge


def _clavicle(thorax: Thorax, x, z, side: int) -> np.ndarray:
    along = side * (x - thorax.turn * -70)
    rise = 6.0 if thorax.frontal else 0.0
    at = 26 - rise - 44 * smoothstep(8, 150, along) + 7 * np.sin((along - 15) / 135 * 2 * np.pi)
    steep = np.gradient(at[0], along[0])[None]
    distance = (z - at) / np.hypot(1, steep)
    half = 6.2 + 2.5 * smoothstep(42, 14, along) + 1.5 * smoothstep(110, 150, along)
    ends = smoothstep(11, 14, along) * smoothstep(162, 156, along)
    return _tube(distance, half, 12.0, 1.9) * ends


def _shoulder(thorax: Thorax, grid: Grid, x, z, side: int) -> np.ndarray:
    """Return mm of the scapula and of head and shaft of the humerus."""
    out = -12 if thorax.frontal else 8
    move = np.array((out, 0))
    outline = (np.array(SHAPES["blade"]) + move) * (side, 1)
    plate = np.zeros((grid.size, grid.size), np.float32)
    grid.fill(plate, outline, 1.6)
    grid.stroke(plate, outline[None, 2:7], 5.5, 6)
    grid.stroke(plate, outline[None, [6, 7, 0, 1]], 2.8, 2.5)
    spine = (np.array(SHAPES["crest"]) + move) * (side, 1)
    grid.stroke(plate, spine[None], 5, 8)
    plate = cv2.GaussianBlur(plate, (0, 0), max(1.1 * grid.pixels_per_mm, 0.5))
    head = ellipsoid(x, z, (side * (186 + out), 34), (22, 23, 20), 0)
    away = side * x - 190 - out - thorax.lean * (z - 50)
    shaft = _tube(away, 12.0, 22.0, 4.0) * smoothstep(46, 58, z)
    return plate + np.maximum(0.3 * head, shaft)


def _spine(thorax: Thorax, x, z) -> np.ndarray:
    """Return mm of vertebral bodies, end plates, pedicles and processes."""
    at = x - thorax.turn * (0.7 * thorax.depth)
    step = thorax.pitch
    height = (z + 14) / step
    phase = height - np.floor(height)
    wide = 14 + 5 * smoothstep(-40, 260, z)
    inside = smoothstep(wide + 1, wide - 1.5, np.abs(at) + 2.0 * np.cos(2 * np.pi * phase) - 1)
    body = smoothstep(0.0, 0.06, phase) * smoothstep(0.86, 0.8, phase)
    plates = np.exp(-(((phase - 0.05) / 0.04) ** 2)) + np.exp(-(((phase - 0.81) / 0.04) ** 2))
    mineral = inside * (3.4 * body + 2.2 * plates)
    low = (phase - 0.35) * step
    for side in SIDES:
        away = side * at
        eye = np.hypot((away - 0.62 * wide) / 3.6, low / 5.5)
        mineral += 3.0 * np.exp(-((eye - 0.85) ** 2) / 0.06)
        process = np.exp(-(((low + 5 + 0.12 * away) / 5) ** 4))
        mineral += 2.6 * process * smoothstep(wide - 4, wide, away) * smoothstep(33, 27, away)
    tip = np.hypot(at / 2.6, (low - 9) / 7)
    return (mineral + 4.0 * np.exp(-(tip**4))).astype(np.float32)
