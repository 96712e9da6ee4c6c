"""Pictures of a whole study."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from covid_keras.figures.canvas import colour, footnote, new_figure, save
from covid_keras.studies.results import mean_confusion_matrix

ACROSS = 4
"""At most so many confusion matrices side by side."""
DASHES = ("-", "--", "-.", ":")


def curves(path: Path, logs: Mapping[str, Sequence[Path]], stamps: Sequence[str]) -> None:
    """Accuracy on val against the optimiser step: a line a row, its runs' median and range.

    Args:
        path: the PNG, written atomically.
        logs: {row: log.csv of each of its runs}. Folds differ by an image or two and so by a step
            or two: the n-th evaluations of a row's runs are taken together, at their median step.
        stamps: what every output must say first.
    """
    figure, top = new_figure(6.4, stamps, "Accuracy on val against the optimiser step")
    axes = figure.add_axes((0.08, 0.13, 0.89, top - 0.14))
    for index, (row, files) in enumerate(logs.items()):
        tables = [pd.read_csv(file).dropna(subset=["val_accuracy"]) for file in files]
        steps, values = (
            pd.concat([table[name].reset_index(drop=True) for table in tables], axis=1)
            for name in ("step", "val_accuracy")
        )
        steps, values = steps.median(axis=1), 100 * values
        style = {"color": colour(index), "linestyle": DASHES[(index + index // 8) % 4]}
        label = f"{row} (runs: {len(files)})"
        style["marker"] = "o" if len(steps) == 1 else None  # a line of one point is not seen
        axes.plot(steps, values.median(axis=1), label=label, linewidth=1.6, **style)
        if len(files) > 1:
            low, high = values.min(axis=1), values.max(axis=1)
            axes.fill_between(steps, low, high, color=colour(index), alpha=0.15)
    axes.set_xlabel("optimiser step")
    axes.set_ylabel("accuracy on val (%)")
    axes.grid(alpha=0.25)
    axes.legend(loc="best", fontsize=9)
    footnote(figure, "Lines are medians over runs, bands reach from the smallest to the largest.")
    save(figure, path)


def confusion_matrices(path: Path, found: Mapping[str, list[dict]], stamps: Sequence[str]) -> None:
    """Every row's confusion matrix on test, averaged over its runs.

    Args:
        path: the PNG, written atomically.
        found: {row: metrics.json of each run, at least one}.
        stamps: what every output must say first.
    """
    across = min(ACROSS, max(2, len(found)))
    down = -(-len(found) // across)
    height = 2.55 * down + 1.3 + 0.2 * len(stamps)
    figure, top = new_figure(height, stamps, "Confusion matrices on test, averaged over runs")
    boxes = figure.subplots(
        down,
        across,
        squeeze=False,
        gridspec_kw={"left": 0.07, "right": 0.99, "top": top - 0.3 / height}
        | {"bottom": 0.75 / height, "wspace": 0.35, "hspace": 0.65},
    )
    for axes in boxes.flat[len(found) :]:
        axes.set_axis_off()
    for axes, (row, runs) in zip(boxes.flat, found.items(), strict=False):
        classes, matrix = mean_confusion_matrix(runs)
        share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
        axes.imshow(100 * share, cmap="Blues", vmin=0, vmax=100, aspect="auto")
        for (true, predicted), count in np.ndenumerate(matrix):
            dark = share[true, predicted] > 0.55
            text = f"{count:.1f}\n{100 * share[true, predicted]:.0f} %"
            style = {"ha": "center", "va": "center", "color": "white" if dark else "black"}
            axes.text(predicted, true, text, fontsize=8, **style)
        axes.set_title(f"{row}\n(runs: {len(runs)})", fontsize=8)
        axes.set_xticks(range(len(classes)), classes, fontsize=7)
        axes.set_yticks(range(len(classes)), classes, fontsize=7, rotation=90, va="center")
        axes.set_xlabel("predicted", fontsize=7)
        axes.set_ylabel("true", fontsize=7)
    footnote(figure, "Mean number of images over runs, and its share of the true class's images.")
    save(figure, path)
