"""Rows of images beside their maps of the evidence, and a grid of test images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from covid_keras.figures.canvas import WIDTH, WRONG, footnote, new_figure
from covid_keras.figures.overlay import blended, draw_key
from covid_keras.utils.errors import InputError

_ACROSS = 4
"""Images in a row of `image_grid`."""
_LEFT, _RIGHT, _HEADER = 0.45, 0.8, 0.5
"""Margins beside the images and room above each row, in inches."""


@dataclass(frozen=True)
class Answer:
    """An image with its predicted class."""

    image: np.ndarray
    """(H, W) uint8, grey, as the network sees it."""
    true: str
    """Class name; "" where unknown."""
    predicted: str
    probability: float


@dataclass(frozen=True)
class MapPanel(Answer):
    """An image with a map of the evidence for a class."""

    heat: np.ndarray | None
    """(H, W) float in [0, 1], from `covid_keras.explain.maps`; None where no class is likely."""
    name: str


def image_grid(answers: Sequence[Answer], stamps: Sequence[str] = ()) -> Figure:
    """Draw images (sixteen are easy to read) with their true and predicted class, four in a row.

    The stamps, warnings about the run, are shown at the top.
    """
    down = -(-len(answers) // _ACROSS)
    tile = (WIDTH - 0.2) / _ACROSS
    tall = tile * min(1.2, answers[0].image.shape[0] / answers[0].image.shape[1])
    row_height = tall + _HEADER
    height = row_height * down + 1.0 + 0.2 * len(stamps)
    wrong = sum(answer.true != answer.predicted for answer in answers)
    title = f"Test images, drawn at random: {wrong} of {len(answers)} wrong"
    figure, top = new_figure(height, stamps, title)
    for place, answer in enumerate(answers):
        row, column = divmod(place, _ACROSS)
        bottom = top - ((row + 1) * row_height - 0.2) / height
        left = (0.1 + column * tile) / WIDTH
        axes = figure.add_axes((left, bottom, 0.96 * tile / WIDTH, 0.96 * tall / height))
        axes.imshow(answer.image, cmap="gray", vmin=0, vmax=255)
        axes.set_axis_off()
        verdict = f"predicted: {answer.predicted} {100 * answer.probability:.0f} %"
        shade = "black" if answer.true == answer.predicted else WRONG
        axes.set_title(f"true: {answer.true}\n{verdict}", fontsize=8, color=shade)
    footnote(figure, "Each image as the network sees it. Wrong predictions are marked in orange.")
    return figure


def map_rows(
    rows: Mapping[str, Sequence[MapPanel]], title: str, stamps: Sequence[str] = ()
) -> Figure:
    """Draw a row for each true class: every image beside its map.

    Args:
        rows: {class: panels}; three panels in a row are easy to read.
        title: The method, the class that the maps are of, and the split or step.
        stamps: Warnings about the run, shown at the top.

    Raises:
        InputError: There is no panel.
    """
    across = max((len(panels) for panels in rows.values()), default=0)
    if not across:
        raise InputError("maps: expected at least one image. Received: none")
    tile = (WIDTH - _LEFT - _RIGHT) / (2 * across)
    row_height = tile + _HEADER
    height = row_height * len(rows) + 1.2 + 0.2 * len(stamps)
    figure, top = new_figure(height, stamps, title)
    for row, (name, panels) in enumerate(rows.items()):
        bottom = top - (row + 1) * row_height / height
        style = {"rotation": 90, "va": "center", "weight": "bold", "fontsize": 9}
        figure.text(0.018, bottom + tile / height / 2, f"true: {name}", **style)
        for column, panel in enumerate(panels):
            left = (_LEFT + column * 2 * tile) / WIDTH
            _panel(figure, panel, (left, bottom, tile / WIDTH, tile / height))
    last = top - len(rows) * row_height / height
    box = (1 - (_RIGHT - 0.08) / WIDTH, last, 0.02, top - last - _HEADER / height)
    draw_key(figure, box)
    footnote(
        figure,
        "Left: the image as the network sees it. Right: the same with the evidence for the class, "
        "scaled to its maximum in the image. A map does not prove a reason.",
    )
    return figure


def _panel(figure: Figure, panel: MapPanel, box: tuple[float, float, float, float]) -> None:
    """Draw the image beside its overlay, with name and prediction above."""
    left, bottom, width, height = box
    for offset in (0, 1):
        axes = figure.add_axes((left + offset * width, bottom, 0.97 * width, height))
        axes.set_axis_off()
        if not offset:
            axes.imshow(panel.image, cmap="gray", vmin=0, vmax=255)
        elif panel.heat is not None:
            axes.imshow(blended(panel.image, panel.heat))
        else:
            style = {"transform": axes.transAxes, "ha": "center", "va": "center", "fontsize": 8}
            axes.text(0.5, 0.5, "no map: no class\nis likely enough", **style)
    correct = panel.true in ("", panel.predicted)
    verdict = f"{panel.predicted} {100 * panel.probability:.1f} %{'' if correct else ', wrong'}"
    across, name = max(12, int(width * 2 * WIDTH * 13)), panel.name
    name = name if len(name) <= across else "…" + name[1 - across :]
    style = {"fontsize": 8, "va": "bottom", "color": "black" if correct else WRONG}
    figure.text(left, bottom + height * 1.02, f"{name}\npredicted {verdict}", **style)
