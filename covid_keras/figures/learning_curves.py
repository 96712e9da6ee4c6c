"""The learning curves of a training as a figure."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter

from covid_keras.figures.canvas import INK, MUTED, new_figure
from covid_keras.utils.errors import InputError

COLUMNS = ["step", "learning_rate", "loss", "accuracy", "val_loss", "val_accuracy"]
FEW_ROWS = 60
"""Up to this many training rows are drawn with points."""


def learning_curves_figure(
    log: Path, stamps: Sequence[str] = (), boundaries: Sequence[int] = ()
) -> Figure:
    """Draw loss, accuracy and learning rate against the optimiser step.

    Args:
        log: log.csv with the columns `COLUMNS`; cells may be empty.
        stamps: Warnings about the run, shown at the top.
        boundaries: Steps at which the learning-rate schedule changes, marked by dotted lines.

    Raises:
        InputError: The log is missing or empty, or lacks a column.
    """
    table = read_log(log)
    evaluations = int(table["val_loss"].notna().sum())
    last = table["step"].max()
    title = f"Learning curves to step {last:,.0f}"
    title += f"; {evaluations:,} evaluations on val" if evaluations else ""
    figure, top = new_figure(7.6, stamps, title)
    grid = {"height_ratios": [4, 4, 2], "hspace": 0.1, "left": 0.12, "right": 0.97}
    grid |= {"top": top, "bottom": 0.08}
    loss, accuracy, rate = figure.subplots(3, sharex=True, gridspec_kw=grid)
    _curve(loss, table, "loss", 1)
    loss.set_ylabel("cross-entropy (nats)")
    loss.set_ylim(bottom=0)
    _curve(accuracy, table, "accuracy", 100)
    accuracy.set_ylabel("accuracy (%)")
    rate.plot(table["step"], table["learning_rate"], color="black", linewidth=1)
    if (table["learning_rate"] > 0).any():
        rate.set_yscale("log")
        rate.yaxis.set_major_formatter(LogFormatter())  # plain numbers: names are no formulas
        rate.yaxis.set_minor_formatter(LogFormatter())
    label = "optimiser step (dotted lines: changes of the learning-rate schedule)"
    rate.set(xlabel=label, ylabel="learning rate")
    for axes in (loss, accuracy, rate):
        axes.grid(alpha=0.25)
        for step in boundaries:
            axes.axvline(step, color="grey", linestyle=":", linewidth=1)
    rate.set_xlim(0, max(last, *boundaries, 1))
    loss.legend(loc="upper right", fontsize=10)
    return figure


def read_log(path: Path) -> pd.DataFrame:
    """Read the `COLUMNS` of a log.csv as numbers; NaN where a cell is empty. Raises InputError."""
    try:
        table = pd.read_csv(path)
    except FileNotFoundError:
        raise InputError(f"{path}: file not found") from None
    except (pd.errors.EmptyDataError, pd.errors.ParserError) as error:
        raise InputError(f"{path}: expected a training log. Received: {error}") from None
    missing = [name for name in COLUMNS if name not in table]
    if missing or table.empty:
        raise InputError(f"{path}: expected rows with {', '.join(COLUMNS)}. Missing: {missing}")
    try:
        return table[COLUMNS].astype(float)
    except ValueError as error:
        raise InputError(f"{path}: expected numbers or empty cells. Received: {error}") from None


def _curve(axes: Axes, table: pd.DataFrame, name: str, scale: float) -> None:
    """Draw train as a line and val, if there is any, as one with a point at each evaluation."""
    train, val = (table.dropna(subset=[column]) for column in (name, f"val_{name}"))
    points = "." if len(train) <= FEW_ROWS else ""
    style = {"color": MUTED, "marker": points, "linewidth": 1.2}
    axes.plot(train["step"], scale * train[name], label="train", **style)
    if val.empty:
        return
    style = {"color": INK, "marker": "o", "markersize": 4, "linewidth": 1.5}
    axes.plot(val["step"], scale * val[f"val_{name}"], label="val", **style)
