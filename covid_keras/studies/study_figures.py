"""Figures of a whole study."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from covid_keras.figures.canvas import colour, footnote, new_figure, save
from covid_keras.figures.set_figures import draw_matrix
from covid_keras.studies.execute import finished_runs
from covid_keras.studies.study import Study
from covid_keras.studies.study_table import run_metrics, stamps

DASHES = ("-", "--", "-.", ":")


def write_figures(study: Study, out: Path) -> list[Path]:
    """Write curves and confusion matrices of the finished runs; return the PNGs, if any.

    Without val there are no curves.
    """
    metrics = {row: runs for row, runs in run_metrics(study, out).items() if runs}
    if not metrics:
        return []
    runs = finished_runs(study, out)
    logs = {row: [run.log_file for run in runs[row]] for row in metrics}
    figures = {}
    if any(run.has_val() for row in metrics for run in runs[row]):
        figures["curves"] = curves_figure(logs, stamps(metrics))
    figures["confusion_matrices"] = confusion_matrices_figure(metrics, stamps(metrics))
    for name, figure in figures.items():
        save(figure, out / f"{name}.png")
    return [out / f"{name}.png" for name in figures]


def curves_figure(logs: Mapping[str, Sequence[Path]], stamps: Sequence[str]) -> Figure:
    """Draw accuracy on val against the optimiser step: median and range over each row's runs.

    `logs` is {row: log.csv of each run}. Folds may differ by a few images and so by a few steps:
    the n-th evaluations of a row's runs are drawn at their median step.
    """
    figure, top = new_figure(6.4, stamps, "Accuracy on val against the optimiser step")
    axes = figure.add_axes((0.08, 0.13, 0.89, top - 0.14))
    for index, (row, files) in enumerate(logs.items()):
        tables = [pd.read_csv(f).dropna(subset="val_accuracy", ignore_index=True) for f in files]
        steps = pd.concat([table["step"] for table in tables], axis=1).median(axis=1)
        values = 100 * pd.concat([table["val_accuracy"] for table in tables], axis=1)
        axes.plot(
            steps,
            values.median(axis=1),
            label=f"{row} (runs: {len(files)})",
            linewidth=1.6,
            color=colour(index),
            linestyle=DASHES[(index + index // 8) % 4],
            marker="o" if len(steps) == 1 else None,  # a line through one point is invisible
        )
        if len(files) > 1:
            low, high = values.min(axis=1), values.max(axis=1)
            axes.fill_between(steps, low, high, color=colour(index), alpha=0.15)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="optimiser step", ylabel="accuracy on val (%)")
    axes.grid(alpha=0.25)
    axes.legend(loc="best", fontsize=9)
    footnote(figure, "Lines: median over runs. Bands: smallest to largest.")
    return figure


def confusion_matrices_figure(
    metrics: Mapping[str, Sequence[dict]], stamps: Sequence[str]
) -> Figure:
    """Draw each row's confusion matrix on test, averaged over its runs' metrics.json."""
    columns = min(4, max(2, len(metrics)))
    rows = -(-len(metrics) // columns)
    height = 2.55 * rows + 1.3 + 0.2 * len(stamps)
    figure, top = new_figure(height, stamps, "Confusion matrices on test, averaged over runs")
    edges = {"left": 0.07, "right": 0.99, "top": top - 0.3 / height, "bottom": 0.75 / height}
    gaps = {"wspace": 0.35, "hspace": 0.65}
    panels = figure.subplots(rows, columns, squeeze=False, gridspec_kw=edges | gaps)
    for axes in panels.flat[len(metrics) :]:
        axes.set_axis_off()
    for axes, (row, runs) in zip(panels.flat, metrics.items(), strict=False):
        tests = [run["splits"]["test"] for run in runs]
        matrix = np.mean([test["confusion_matrix"] for test in tests], axis=0)
        draw_matrix(axes, matrix, "{:.1f}\n{:.0f} %", fontsize=8)
        classes = tests[0]["classes"]
        axes.set_title(f"{row}\n(runs: {len(runs)})", fontsize=8)
        axes.set_xticks(range(len(classes)), classes, fontsize=7)
        axes.set_yticks(range(len(classes)), classes, fontsize=7, rotation=90, va="center")
        axes.set_xlabel("predicted", fontsize=7)
        axes.set_ylabel("true", fontsize=7)
    footnote(figure, "Mean number of images over runs, and its share of the true class's images.")
    return figure
