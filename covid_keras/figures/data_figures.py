"""Figures of a data set: its images and patients by split and class, examples, and image sizes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import LogLocator, NullFormatter

from covid_keras.figures.canvas import WIDTH, colour, footnote, new_figure

FRAME = "#FF2020"
"""As in the papers, the crop frame is red."""
DASHES = ("-", "--", "-.", ":")


@dataclass(frozen=True)
class Example:
    """An image as it is stored, with the frame that it is cropped to."""

    image: np.ndarray
    """(H, W) uint8, grey."""
    box: tuple[int, int, int, int] | None = None
    """x0, y0, x1, y1 in pixels; None without a frame."""
    annotated: bool = True
    """Whether the data set gives the frame; else it was found in the image."""


def counts_figure(
    images: pd.DataFrame, patients: pd.DataFrame | None, title: str, caption: str
) -> Figure:
    """Draw bars of the number of images and of patients.

    Args:
        images, patients: a row for each split, a column for each class; None where unknown.
        title, caption: above and below the bars.
    """
    figure, top = new_figure(4.6, (), title)
    panels = [("images", images)] + ([] if patients is None else [("patients", patients)])
    edges = {"left": 0.1, "right": 0.98, "top": top - 0.05, "bottom": 0.19, "wspace": 0.26}
    axes = figure.subplots(1, len(panels), squeeze=False, gridspec_kw=edges)[0]
    for each, (name, counts) in zip(axes, panels, strict=True):
        _grouped_bars(each, counts, 8 if len(panels) > 1 else 9)
        each.set_ylabel(f"number of {name}")
    handles, names = axes[0].get_legend_handles_labels()
    place = {"loc": "upper left", "bbox_to_anchor": (0.01, top + 0.04)}
    figure.legend(handles, names, ncols=len(names), fontsize=9, frameon=False, **place)
    footnote(figure, caption)
    return figure


def _grouped_bars(axes: Axes, counts: pd.DataFrame, fontsize: int) -> None:
    """Draw a group of bars for each row, a colour for each column, with the numbers on top."""
    width = 0.84 / len(counts.columns)
    for k, name in enumerate(counts):
        places = np.arange(len(counts)) + (k - (len(counts.columns) - 1) / 2) * width
        bars = axes.bar(places, counts[name], 0.94 * width, color=colour(k), label=name)
        axes.bar_label(bars, [f"{n:,}" for n in counts[name]], fontsize=fontsize - 1, padding=1)
    axes.set_xticks(range(len(counts)), counts.index, fontsize=fontsize + 1)
    axes.margins(y=0.12)
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", alpha=0.25)
    axes.set_axisbelow(True)


def example_rows_figure(rows: Mapping[str, Sequence[Example]], title: str, caption: str) -> Figure:
    """Draw a row of images for each class, each with its crop frame and its size in pixels."""
    across = max(map(len, rows.values()))
    tile = (WIDTH - 0.5) / across
    tall = tile * max(
        min(1.3, example.image.shape[0] / example.image.shape[1])
        for examples in rows.values()
        for example in examples
    )
    height = len(rows) * (tall + 0.3) + 0.95
    figure, top = new_figure(height, (), title)
    for row, (name, examples) in enumerate(rows.items()):
        bottom = top - ((row + 1) * (tall + 0.3) - 0.06) / height
        style = {"rotation": 90, "va": "center", "ha": "center", "weight": "bold", "fontsize": 9}
        figure.text(0.2 / WIDTH, bottom + tall / height / 2, name, **style)
        for column, example in enumerate(examples):
            left = (0.4 + column * tile) / WIDTH
            axes = figure.add_axes((left, bottom, 0.96 * tile / WIDTH, tall / height))
            _framed(axes, example)
    footnote(figure, caption)
    return figure


def _framed(axes: Axes, example: Example) -> None:
    rows, columns = example.image.shape
    axes.imshow(example.image, cmap="gray", vmin=0, vmax=255)
    axes.set_axis_off()
    axes.set_title(f"{columns:,} x {rows:,} pixels", fontsize=7, pad=2)
    if example.box is not None:
        x0, y0, x1, y1 = example.box
        style = {"fill": False, "edgecolor": FRAME, "linewidth": 1.6, "clip_on": False}
        style["linestyle"] = "-" if example.annotated else "--"
        axes.add_patch(Rectangle((x0 - 0.5, y0 - 0.5), x1 - x0, y1 - y0, **style))


def sizes_figure(pixels: Mapping[str, np.ndarray], title: str, caption: str) -> Figure:
    """Draw the share of each class's images that have at most a number of pixels.

    `pixels` is {class: (N,) pixels of each image}.
    """
    figure, top = new_figure(4.6, (), title)
    axes = figure.add_axes((0.09, 0.2, 0.88, top - 0.22))
    for k, (name, values) in enumerate(pixels.items()):
        line = {"color": colour(k), "linestyle": DASHES[k % 4], "linewidth": 2}
        axes.ecdf(values / 1e6, label=f"{name} (n = {len(values):,})", **line)
    axes.set(xscale="log", xlabel="size of the image (million pixels)", ylim=(-0.01, 1.01))
    axes.set_ylabel("share of images, up to this size")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(alpha=0.25)
    axes.legend(loc="best", fontsize=9)
    footnote(figure, caption)
    return figure
