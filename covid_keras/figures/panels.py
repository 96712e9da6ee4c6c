"""Rows of images beside their class activation maps, and a grid of test images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from covid_keras.figures.canvas import WIDTH, WRONG, footnote, new_figure
from covid_keras.utils.errors import InputError

HEAT = "inferno"
_ACROSS = 4
"""Images in a row of `image_grid`."""
_LEFT, _RIGHT, _HEADER = 0.45, 0.8, 0.5
"""Margins beside the images and room above each row, in inches."""


@dataclass(frozen=True)
class GradcamPanel:
    """An image with its Grad-CAM map."""

    image: np.ndarray
    """(H, W) uint8, grey, as the network sees it."""
    heat: np.ndarray
    """(H, W) float in [0, 1], from `covid_keras.explain.gradcam`."""
    name: str
    true: str
    """Class name; "" where unknown."""
    predicted: str
    """Class name that the map explains."""
    probability: float


@dataclass(frozen=True)
class Answer:
    """An image with its predicted class."""

    image: np.ndarray
    """(H, W) uint8, grey, as the network sees it."""
    true: str
    predicted: str
    probability: float


def image_grid(answers: Sequence[Answer], stamps: Sequence[str] = ()) -> Figure:
    """Draw images with their true and predicted class, four in a row (a figure of protocol D).

    Args:
        answers: Sixteen are easy to read.
        stamps: Warnings about the run, shown at the top.
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
        right = answer.true == answer.predicted
        axes.set_title(
            f"true: {answer.true}\npredicted: {answer.predicted} {100 * answer.probability:.0f} %",
            fontsize=8,
            color="black" if right else WRONG,
        )
    footnote(figure, "Each image as the network sees it. Wrong predictions are marked in orange.")
    return figure


def gradcam_rows(
    rows: Mapping[str, Sequence[GradcamPanel]], stamps: Sequence[str] = (), title: str = ""
) -> Figure:
    """Draw a row for each true class: every image beside its Grad-CAM overlay.

    Args:
        rows: {class: panels}; three panels in a row are easy to read.
        stamps: Warnings about the run, shown at the top.
        title: Name of the split or step.

    Raises:
        InputError: There is no panel.
    """
    across = max((len(panels) for panels in rows.values()), default=0)
    if not across:
        raise InputError("Grad-CAM: expected at least one image. Received: none")
    tile = (WIDTH - _LEFT - _RIGHT) / (2 * across)
    row_height = tile + _HEADER
    height = row_height * len(rows) + 1.2 + 0.2 * len(stamps)
    figure, top = new_figure(
        height, stamps, f"Grad-CAM for the predicted class{title and ', '}{title}"
    )
    for row, (name, panels) in enumerate(rows.items()):
        bottom = top - (row + 1) * row_height / height
        middle = bottom + tile / height / 2
        figure.text(
            0.018, middle, f"true: {name}", rotation=90, va="center", weight="bold", fontsize=9
        )
        for column, panel in enumerate(panels):
            left = (_LEFT + column * 2 * tile) / WIDTH
            _panel(figure, panel, (left, bottom, tile / WIDTH, tile / height))
    last = top - len(rows) * row_height / height
    _colour_bar(figure, (1 - (_RIGHT - 0.08) / WIDTH, last, 0.016, top - last - _HEADER / height))
    footnote(
        figure,
        "Left: the image as the network sees it. Right: the same with the evidence for the "
        "predicted class, scaled to its maximum in the image. A map does not prove a reason.",
    )
    return figure


def _colour_bar(figure: Figure, box: tuple[float, float, float, float]) -> None:
    axes = figure.add_axes(box)
    shades = np.linspace(1, 0, 256)[:, None]
    axes.imshow(shades, cmap=HEAT, aspect="auto", extent=(0, 1, 0, 1))
    axes.set_xticks([])
    axes.set_yticks([0, 0.5, 1])
    axes.yaxis.tick_right()
    axes.yaxis.set_label_position("right")
    axes.set_ylabel("evidence / its maximum in the image", fontsize=8)


def _panel(figure: Figure, panel: GradcamPanel, box: tuple[float, float, float, float]) -> None:
    """Draw image and overlay side by side, with name and prediction above them."""
    left, bottom, width, height = box
    for offset in (0, 1):
        axes = figure.add_axes((left + offset * width, bottom, 0.97 * width, height))
        axes.imshow(panel.image, cmap="gray", vmin=0, vmax=255)
        if offset:
            axes.imshow(panel.heat, cmap=HEAT, vmin=0, vmax=1, alpha=0.5)
        axes.set_axis_off()
    correct = panel.true in ("", panel.predicted)
    verdict = f"{panel.predicted} {100 * panel.probability:.1f} %{'' if correct else ', wrong'}"
    across = max(12, int(width * 2 * WIDTH * 13))
    figure.text(
        left,
        bottom + height * 1.02,
        f"{_end_of(panel.name, across)}\npredicted {verdict}",
        fontsize=8,
        va="bottom",
        color="black" if correct else WRONG,
    )


def _end_of(name: str, width: int) -> str:
    return name if len(name) <= width else "…" + name[1 - width :]
