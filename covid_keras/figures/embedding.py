"""A two-dimensional embedding of features as a figure."""

from collections.abc import Sequence
from itertools import product

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from covid_keras.figures.canvas import colour, footnote, new_figure

MARKERS = {"train": "o", "train and val": "o", "val": "s", "test": "^"}
VECTOR = 5_000
"""With more points they are pixels inside the SVG, which would be too large to open."""


def tsne_figure(
    points: np.ndarray,
    labels: Sequence[str],
    splits: Sequence[str],
    classes: Sequence[str],
    stamps: Sequence[str] = (),
    by_split: bool = False,
    method: str = "",
) -> Figure:
    """Draw t-SNE points: a colour for each class, a marker for each split.

    Args:
        points: (N, 2) from `covid_keras.explain.tsne.tsne`.
        labels: N class names.
        splits: N of `MARKERS`.
        classes: Class names, in the order of the colours.
        stamps: Warnings about the run, shown at the top.
        by_split: Whether each class has another colour in each split.
        method: How the points were made, for the caption.
    """
    labels, splits = np.asarray(labels, dtype=str), np.asarray(splits, dtype=str)
    figure, top = new_figure(7.4, stamps, f"t-SNE of penultimate features: {len(points):,} images")
    axes = figure.add_axes((0.04, 0.1, 0.93, top - 0.11))
    area = np.clip(30_000 / len(points), 2, 34)
    present = [split for split in MARKERS if (splits == split).any()]
    handles = []
    for k, (name, split) in enumerate(product(classes, present)):
        rows = (labels == name) & (splits == split)
        shade = k if by_split else classes.index(name)
        marker = {"marker": MARKERS[split], "color": colour(shade)}
        edge = {"edgecolors": "black" if split == "test" else "none", "linewidths": area / 85}
        style = {"s": area, "alpha": 0.75, "rasterized": len(points) > VECTOR}
        axes.scatter(*points[rows].T, **style, **marker, **edge)
        label = f"{name}, {split} (n = {rows.sum():,})"
        handles.append(Line2D([], [], linestyle="", label=label, **marker))
    axes.legend(handles=handles, loc="best", fontsize=9, framealpha=0.9)
    axes.set(xticks=[], yticks=[], xlabel="t-SNE 1 (no unit)", ylabel="t-SNE 2 (no unit)")
    meaningless = "The sizes of clusters and the distances between them have no meaning."
    footnote(figure, f"Neighbouring points have similar features. {meaningless} {method}".strip())
    return figure
