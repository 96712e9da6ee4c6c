"""The figures of a run, as PNG made to be read: about 900 pixels wide, stamps on top.

Colours are those of Okabe and Ito (2008), which colour-blind readers tell apart.
"""

from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from covid_keras.figures.canvas import colour, footnote, in_percent, new_figure, save
from covid_keras.metrics.text import sizes
from covid_keras.utils.errors import InputError

FEW_ROWS = 60
"""Up to so many training rows are drawn as points too."""
MARKERS = {"train": "o", "val": "s", "test": "^"}


def confusion_matrix_figure(
    path: str | Path, result: dict, stamps: Sequence[str] = (), title: str = "test"
) -> None:
    """Counts of images and row percentages, with sensitivity and PPV in the margins' labels.

    Args:
        path: The PNG, written atomically.
        result: What `evaluate` returned.
        stamps: What every output must say first.
        title: Which split this is.
    """
    matrix, classes = np.array(result["confusion_matrix"]), result["classes"]
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    figure, top = new_figure(6.6, stamps, f"Confusion matrix, {title}: {sizes(result)}")
    axes = figure.add_axes((0.26, 0.19, 0.6, top - 0.2))
    shown = axes.imshow(100 * share, cmap="Blues", vmin=0, vmax=100, aspect="auto")
    for (row, column), count in np.ndenumerate(matrix):
        axes.text(
            column,
            row,
            f"{count:,}\n{100 * share[row, column]:.1f} %" if matrix[row].any() else "0",
            ha="center",
            va="center",
            fontsize=13,
            color="white" if share[row, column] > 0.55 else "black",
        )
    entries = result["per_class"]
    sensitivity = [f"{c}\nsensitivity {in_percent(entries[c]['sensitivity'])}" for c in classes]
    ppv = [f"{c}\nPPV {in_percent(entries[c]['ppv'])}" for c in classes]
    axes.set_xticks(range(len(classes)), ppv, fontsize=9)
    axes.set_yticks(range(len(classes)), sensitivity, fontsize=9)
    axes.set_xlabel("predicted class", fontsize=11)
    axes.set_ylabel("true class", fontsize=11)
    bar = figure.colorbar(shown, cax=figure.add_axes((0.88, 0.19, 0.02, top - 0.2)))
    bar.set_label("% of the true class's images")
    footnote(figure, result["intervals"])
    save(figure, path)


def learning_curves(
    path: str | Path, log: str | Path, stamps: Sequence[str] = (), knees: Sequence[int] = ()
) -> None:
    """Loss, accuracy and learning rate against the optimiser step.

    Args:
        path: The PNG, written atomically.
        log: log.csv with the columns step, learning_rate, loss, accuracy, val_loss and
            val_accuracy; cells may be empty.
        stamps: What every output must say first.
        knees: Steps at which the schedule bends, marked by vertical lines.

    Raises:
        InputError: the log is missing, empty or lacks a column.
    """
    table = _read_log(Path(log))
    looks = int(table["val_loss"].notna().sum())
    title = f"Learning curves to step {table['step'].max():,.0f}; {looks:,} evaluations on val"
    figure, top = new_figure(7.6, stamps, title)
    loss, accuracy, rate = figure.subplots(
        3,
        sharex=True,
        gridspec_kw={"height_ratios": [4, 4, 2], "hspace": 0.1}
        | {"left": 0.1, "right": 0.97, "top": top, "bottom": 0.08},
    )
    _curve(loss, table, "loss", 1)
    loss.set_ylabel("cross-entropy (nats)")
    loss.set_ylim(bottom=0)
    _curve(accuracy, table, "accuracy", 100)
    accuracy.set_ylabel("accuracy (%)")
    rate.plot(table["step"], table["learning_rate"], color="black", linewidth=1)
    if (table["learning_rate"] > 0).any():
        rate.set_yscale("log")
    rate.set_ylabel("learning rate")
    rate.set_xlabel("optimiser step; dotted: where the learning rate's schedule bends")
    for axes in (loss, accuracy, rate):
        axes.grid(alpha=0.25)
        for knee in knees:
            axes.axvline(knee, color="grey", linestyle=":", linewidth=1)
    rate.set_xlim(0, max(table["step"].max(), *knees, 1))
    loss.legend(loc="upper right", fontsize=10)
    save(figure, path)


def tsne_figure(
    path: str | Path,
    points: np.ndarray,
    labels: Sequence[str],
    splits: Sequence[str],
    classes: Sequence[str],
    stamps: Sequence[str] = (),
) -> None:
    """Features in two dimensions: every class has a colour for each split, and a split a marker.

    Args:
        path: The PNG, written atomically.
        points: (N, 2) from `covid_keras.explain.tsne`.
        labels: N class names.
        splits: N of train, val and test.
        classes: In the order of the colours.
        stamps: What every output must say first.
    """
    labels, splits = np.asarray(labels, dtype=str), np.asarray(splits, dtype=str)
    figure, top = new_figure(7.4, stamps, f"t-SNE of penultimate features: {len(points):,} images")
    axes = figure.add_axes((0.04, 0.09, 0.93, top - 0.1))
    area = np.clip(17000 / len(points), 8, 34)
    present = [split for split in MARKERS if (splits == split).any()]
    handles = []
    for k, (name, split) in enumerate(product(classes, present)):
        rows = (labels == name) & (splits == split)
        style = {"edgecolors": "black", "linewidths": area / 85} if split != "train" else {}
        axes.scatter(
            *points[rows].T, s=area, marker=MARKERS[split], color=colour(k), alpha=0.75, **style
        )
        handles.append(_key(MARKERS[split], colour(k), f"{name}, {split} (n = {rows.sum():,})"))
    axes.legend(handles=handles, loc="best", fontsize=9, framealpha=0.9)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlabel("t-SNE 1 (no unit)")
    axes.set_ylabel("t-SNE 2 (no unit)")
    note = "Near points have like features; sizes of and distances between clusters mean nothing."
    footnote(figure, note)
    save(figure, path)


def _key(marker: str, colour: str, label: str) -> Line2D:
    return Line2D([], [], marker=marker, color=colour, linestyle="", label=label)


def _read_log(path: Path) -> pd.DataFrame:
    columns = ["step", "learning_rate", "loss", "accuracy", "val_loss", "val_accuracy"]
    try:
        table = pd.read_csv(path)
    except FileNotFoundError:
        raise InputError(f"{path}: file not found") from None
    except (pd.errors.EmptyDataError, pd.errors.ParserError) as error:
        raise InputError(f"{path}: expected a training log. Received: {error}") from None
    missing = [name for name in columns if name not in table]
    if missing or table.empty:
        raise InputError(f"{path}: expected rows with {', '.join(columns)}. Missing: {missing}")
    try:
        return table[columns].astype(float)
    except ValueError as error:
        raise InputError(f"{path}: expected numbers or empty cells. Received: {error}") from None


def _curve(axes: Axes, table: pd.DataFrame, name: str, scale: float) -> None:
    """Training as a line, validation as a line with a point at each evaluation."""
    train = table.dropna(subset=[name])
    val = table.dropna(subset=[f"val_{name}"])
    marker = "." if len(train) <= FEW_ROWS else ""
    style = {"color": colour(0), "marker": marker, "linewidth": 1.2}
    axes.plot(train["step"], scale * train[name], label="train", **style)
    style = {"color": colour(5), "marker": "o", "markersize": 4, "linewidth": 1.5}
    axes.plot(val["step"], scale * val[f"val_{name}"], label="val", **style)
