"""Branching vessels and bronchi, grown once in lung coordinates, and their cut by a slice."""

from dataclasses import dataclass

import cv2
import numpy as np

from covid_keras.phantom.anatomy import LUNG_HEIGHT, Level
from covid_keras.phantom.grid import Grid

_SIZE = np.array([72.0, 92.0, LUNG_HEIGHT])
"""Length in mm of one unit of s, t and level, to grow the trees in proportion."""


@dataclass(frozen=True)
class Tree:
    """Straight segments in lung coordinates (s, t, level)."""

    start: np.ndarray
    end: np.ndarray
    """`start` and `end`: (n, 3)."""
    radius: np.ndarray
    """Radius in mm, (n,)."""


def grow_tree(
    rng: np.random.Generator, leaves: int = 5000, reach: tuple[float, float] = (0.35, 0.6)
) -> Tree:
    """Grow a tree from the hilum to `leaves` points spread over the lung.

    Each branch goes a random part of the way (between the two values of `reach`) to the middle of
    the points that it feeds, then divides them along their longest side. Radii follow Murray's
    law: radius to the power 2.7 is proportional to the number of points.
    """
    low, high = np.array([0.03, -0.93, 0.03]), np.array([0.97, 0.96, 1.05])
    points = rng.uniform(low, high, (leaves, 3)) * _SIZE
    hilum = np.array([-0.05, 0.1, 0.48]) * _SIZE
    start, end, fed = [], [], []
    stack = [(hilum, points)]
    while stack:
        here, group = stack.pop()
        share = 1.0 if len(group) == 1 else rng.uniform(*reach)
        there = here + (group.mean(0) - here) * share
        if len(group) > 1:
            there = there + rng.normal(0, 0.1, 3) * np.abs(there - here).sum()
            longest = np.argmax(np.ptp(group, axis=0))
            order = np.argsort(group[:, longest])
            cut = max(1, int(len(group) * rng.uniform(0.3, 0.7)))
            stack += [(there, group[order[:cut]]), (there, group[order[cut:]])]
        start.append(here)
        end.append(there)
        fed.append(len(group))
    radius = 0.27 * np.array(fed) ** 0.37
    return Tree(np.array(start) / _SIZE, np.array(end) / _SIZE, radius)


def vary(trees: list[Tree], rng: np.random.Generator) -> Tree:
    """Return a patient's version of one of the trees: bent smoothly, in half of them turned."""
    tree = trees[rng.integers(len(trees))]
    phase, size = rng.uniform(0, 2 * np.pi, 3), rng.uniform(0.03, 0.09, 3)
    turned = rng.random() < 0.5

    def bend(points: np.ndarray) -> np.ndarray:
        s, t, level = points.T
        level = 0.96 - level if turned else level
        s = s + size[0] * np.sin(2 * np.pi * level + phase[0]) * s * (1 - s) * 4
        t = t + size[1] * np.sin(3 * np.pi * level + phase[1]) * (1 - t**2)
        return np.stack([s, t, level + size[2] * np.sin(np.pi * s + phase[2])], -1)

    return Tree(bend(tree.start), bend(tree.end), tree.radius * rng.uniform(0.88, 1.15))


def draw_vessels(grid: Grid, level: Level, trees: dict[int, Tree], slab: float) -> np.ndarray:
    """Draw the vessels in a slab of `slab` mm: uint8 (H, W), 0 lung, 255 blood."""
    image = np.zeros((grid.size, grid.size), np.uint8)
    for side, tree in trees.items():
        lines, radius = _cut(level, tree, side, slab)
        width = 2 * radius * grid.pixels_per_mm
        strength = (np.clip(width, 0.4, 1) * 5).round() * 51  # thinner than a pixel: fainter
        grid.stroke_groups(image, lines, width, strength)
    return image


def draw_bronchi(
    grid: Grid, level: Level, trees: dict[int, Tree], slab: float
) -> tuple[np.ndarray, ...]:
    """Draw the bronchi beside large vessels: walls and air, both uint8 (H, W)."""
    walls, air = np.zeros((2, grid.size, grid.size), np.uint8)
    for side, tree in trees.items():
        large = (tree.radius > 1.5) & (tree.radius < 4)
        lines, radius = _cut(level, tree, side, slab, large)
        for line, r in zip(lines, radius, strict=True):
            beside = line + np.array([side * 1.3, -1.2]) * r
            grid.stroke(walls, beside[None], 255, 1.7 * r + 1.2)
            grid.stroke(air, beside[None], 255, 1.25 * r)
    return cv2.max(walls, air), air


def _cut(
    level: Level, tree: Tree, side: int, slab: float, chosen=slice(None)
) -> tuple[np.ndarray, ...]:
    """Return lines (n, 2, 2) in mm and radii (n,) of the parts of segments inside the slab."""
    start, end, radius = tree.start[chosen], tree.end[chosen], tree.radius[chosen]
    top, bottom = level.level - slab / 2 / LUNG_HEIGHT, level.level + slab / 2 / LUNG_HEIGHT
    upper, lower = np.sort([start[:, 2], end[:, 2]], axis=0)
    crosses = (upper < bottom) & (lower > top)
    start, end, radius = start[crosses], end[crosses], radius[crosses]
    rise = end[:, 2] - start[:, 2]
    rise = np.where(np.abs(rise) < 1e-6, 1e-6, rise)
    limits = np.stack([(top - start[:, 2]) / rise, (bottom - start[:, 2]) / rise])
    first, last = np.clip(limits.min(0), 0, 1), np.clip(limits.max(0), 0, 1)
    parts = [start + f[:, None] * (end - start) for f in (first, last)]
    return np.stack([level.place(p[:, 0], p[:, 1], side) for p in parts], 1), radius
