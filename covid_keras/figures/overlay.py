"""A map laid over its image, in colours that are all on the key beside it."""

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from covid_keras.figures.canvas import WIDTH, heading, new_figure

HEAT = "inferno"
OPAQUE = 0.65
"""Share of the map's colour where there is half of the most evidence, or more; less below."""
_KEY = 256, 32
"""Height and width of the key, in pixels."""
_DPI, _MARGIN, _BESIDE, _BELOW = 100, 20, 110, 60
"""Pixels: of an inch, beside the image, for the key, and below both."""


def blended(image: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Return the image in colours, uint8 (H, W, 3).

    Args:
        image: (H, W) uint8, grey.
        heat: (H, W) in [0, 1]; the image stays as it is where this is 0.
    """
    colours = 255 * colormaps[HEAT](np.clip(heat, 0, 1))[..., :3]
    share = OPAQUE * np.clip(2 * heat, 0, 1)[..., None]
    return ((1 - share) * image[..., None] + share * colours).round().astype(np.uint8)


def key() -> np.ndarray:
    """Return what `blended` makes of every grey (to the right) and evidence (upwards)."""
    grey = np.tile(np.linspace(0, 255, _KEY[1]).round().astype(np.uint8), (_KEY[0], 1))
    return blended(grey, np.repeat(np.linspace(1, 0, _KEY[0])[:, None], _KEY[1], axis=1))


def draw_key(figure: Figure, box: tuple[float, float, float, float]) -> Axes:
    """Draw the key with its labels into a box of the figure: left, bottom, width, height."""
    axes = figure.add_axes(box)
    axes.imshow(key(), aspect="auto", interpolation="nearest", extent=(0, 1, 0, 1))
    axes.set_xticks([])
    axes.set_xlabel("dark to bright\nin the image", fontsize=7)
    axes.set_yticks([0, 0.5, 1])
    axes.tick_params(labelsize=8)
    axes.yaxis.set(label_position="right", ticks_position="right")
    axes.set_ylabel("evidence / maximum", fontsize=8)
    return axes


def overlay_figure(
    image: np.ndarray, heat: np.ndarray | None, lines: Sequence[str], stamps: Sequence[str] = ()
) -> Figure:
    """Draw an image, pixel for pixel, with the map on it and the key beside.

    Args:
        image: (H, W) uint8, the whole image as stored.
        heat: (H, W) in [0, 1], at its place on the image; None draws the image alone.
        lines: The title, and what is below it.
        stamps: Warnings about the run, shown at the top.
    """
    title, *others = lines
    tall, wide = image.shape
    inches = max(WIDTH, (wide + 2 * _MARGIN + _BESIDE) / _DPI)
    room = max(tall, _KEY[0]) + _BELOW
    height = room / _DPI + heading(stamps) + 0.2 * len(others)
    figure, top = new_figure(height, stamps, title, inches)
    figure.text(0.02, top, "\n".join(others), fontsize=9, va="top", linespacing=1.4)
    shown = np.repeat(image[..., None], 3, axis=2) if heat is None else blended(image, heat)
    bottom = room - tall
    figure.figimage(shown, xo=_MARGIN, yo=bottom)
    if heat is not None:
        pixels = _MARGIN + wide + _MARGIN, room - _KEY[0], _KEY[1], _KEY[0]
        scale = inches * _DPI, height * _DPI, inches * _DPI, height * _DPI
        draw_key(figure, tuple(np.divide(pixels, scale)))
    return figure
