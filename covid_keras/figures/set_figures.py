"""Figures of a set of predictions: confusion matrix, ROC, reliability, and risk-coverage curve.

All take what `score` and the other metrics returned for the same predictions as `result`,
warnings about the run as `stamps`, and the name of the set as `title`.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from covid_keras.figures.canvas import INK, MUTED, colour, footnote, in_percent, new_figure
from covid_keras.metrics.calibration import BINS, equal_width, reliability, scaled
from covid_keras.metrics.predictions import Predictions
from covid_keras.metrics.roc import roc
from covid_keras.metrics.sentences import sizes
from covid_keras.metrics.uncertainty import risk_coverage


def confusion_matrix_figure(
    result: dict, stamps: Sequence[str] = (), title: str = "test"
) -> Figure:
    """Draw counts and row percentages, with sensitivity and PPV beside the class names."""
    matrix, classes = np.array(result["confusion_matrix"]), result["classes"]
    figure, top = new_figure(6.6, stamps, f"Confusion matrix, {title}: {sizes(result)}")
    axes = figure.add_axes((0.26, 0.19, 0.6, top - 0.2))
    shown = draw_matrix(axes, matrix, "{:,}\n{:.1f} %", fontsize=13)
    entries = result["per_class"]
    sensitivity = [f"{c}\nsensitivity {in_percent(entries[c]['sensitivity'])}" for c in classes]
    ppv = [f"{c}\nPPV {in_percent(entries[c]['ppv'])}" for c in classes]
    axes.set_xticks(range(len(classes)), ppv, fontsize=9)
    axes.set_yticks(range(len(classes)), sensitivity, fontsize=9)
    axes.set(xlabel="predicted class", ylabel="true class")
    bar = figure.colorbar(shown, cax=figure.add_axes((0.88, 0.19, 0.02, top - 0.2)))
    bar.set_label("% of the true class's images")
    footnote(figure, result["intervals"])
    return figure


def roc_figure(
    predictions: Predictions, result: dict, stamps: Sequence[str] = (), title: str = "test"
) -> Figure:
    """Draw the ROC curve of each class, one-vs-rest, with AUC and interval."""
    figure, top = new_figure(7.4, stamps, f"ROC, one-vs-rest, {title}: {sizes(result)}")
    axes = figure.add_axes((0.1, 0.13, 0.87, top - 0.14))
    axes.plot([0, 100], [0, 100], color="grey", linestyle=":", linewidth=1, label="chance, AUC 50")
    styles = ("-", "--", "-.", ":")
    for k, name in enumerate(predictions.classes):
        area = result["per_class"][name]["auc"]
        false, true = roc(predictions, k)
        style = {"color": colour(k), "linestyle": styles[k % 4], "linewidth": 2}
        label = f"{name}, AUC {in_percent(area)}"
        axes.plot(100 * false, 100 * true, label=label, **style)
    axes.set(xlabel="1 - specificity (%)", ylabel="sensitivity (%)", xlim=(-1, 101), ylim=(-1, 101))
    axes.grid(alpha=0.25)
    axes.legend(loc="lower right", fontsize=10)
    footnote(figure, result["intervals"])
    return figure


def reliability_figure(
    predictions: Predictions, result: dict, stamps: Sequence[str] = (), title: str = "test"
) -> Figure:
    """Draw accuracy with its interval against confidence, before and after temperature scaling, and
    the number of images in each bin."""
    scaling = result["calibration"]
    figure, top = new_figure(6.8, stamps, f"Reliability, {title}: {sizes(result)}")
    grid = {"height_ratios": [4, 1], "hspace": 0.1, "wspace": 0.2}
    grid |= {"left": 0.08, "right": 0.98, "top": top - 0.05, "bottom": 0.14}
    panels = figure.subplots(2, 2, sharex=True, gridspec_kw=grid)
    after = scaled(predictions.probabilities, scaling["temperature"])
    columns = (
        ("before", "without scaling", predictions.probabilities),
        ("after", f"temperature {scaling['temperature']:.2f}", after),
    )
    for (axes, histogram), (when, name, values) in zip(panels.T, columns, strict=True):
        axes.plot([0, 100], [0, 100], color="grey", linestyle=":", linewidth=1)
        bins = reliability(replace(predictions, probabilities=values))
        x = [100 * one["confidence"] for one in bins]
        axes.plot(x, [100 * one["accuracy"]["value"] for one in bins], "o-", color=INK)
        ends = [(place, one["accuracy"]) for place, one in zip(x, bins, strict=True)]
        known = [(place, entry) for place, entry in ends if entry["low"] is not None]
        low, high = ([100 * entry[end] for _, entry in known] for end in ("low", "high"))
        axes.vlines([place for place, _ in known], low, high, color=INK, linewidth=1)
        ece, brier = (scaling[when][metric] for metric in ("ece", "brier"))
        heading = f"{name}\nECE {in_percent(ece)}, Brier score {brier['value']:.3f}"
        axes.set_title(heading, fontsize=10)
        axes.set_ylim(-2, 102)
        centres = (np.arange(BINS) + 0.5) * 100 / BINS
        images = np.bincount(equal_width(values.max(axis=1)), minlength=BINS)
        histogram.bar(centres, images, 90 / BINS, color=MUTED)
        histogram.set(xlabel="confidence (%)", xlim=(0, 100))
        axes.grid(alpha=0.25)
        histogram.grid(alpha=0.25)
    panels[0, 0].set_ylabel("accuracy (%)")
    panels[1, 0].set_ylabel("images")
    how = f"in {BINS} bins of equal width; vertical lines: 95 % intervals of the accuracy."
    how += " The temperature was fitted on val."
    footnote(figure, f"Confidence is the probability of the predicted class, {how}")
    return figure


def risk_coverage_figure(
    predictions: Predictions, result: dict, stamps: Sequence[str] = (), title: str = "test"
) -> Figure:
    """Draw the error rate among the most confident images against the share of images kept."""
    selective = result["uncertainty"]
    figure, top = new_figure(6.2, stamps, f"Risk and coverage, {title}: {sizes(result)}")
    axes = figure.add_axes((0.09, 0.16, 0.88, top - 0.17))
    correct, confidence = predictions.predicted == predictions.labels, predictions.probabilities
    coverage, risk = risk_coverage(correct, confidence.max(axis=1))
    label = f"this network, area {in_percent(selective['aurc'])}"
    axes.plot(100 * coverage, 100 * risk, color=INK, linewidth=2, label=label)
    error_rate = 100 * selective["aurc_random"]
    label = f"random confidence, {error_rate:.1f} %"
    axes.axhline(error_rate, color="grey", linestyle=":", linewidth=1, label=label)
    at = selective["accuracy_at"].items()
    for share, entry in ((s, e) for s, e in at if e["low"] is not None):
        low, high = (100 * (1 - entry[name]) for name in ("high", "low"))
        style = {"color": "black", "linewidth": 1.5, "marker": "_", "markersize": 9}
        axes.plot([100 * float(share)] * 2, [low, high], **style)
    label = "coverage: share of the images kept, the most confident first (%)"
    axes.set(xlabel=label, ylabel="risk: error rate among them (%)", xlim=(0, 101))
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.25)
    axes.legend(loc="best", fontsize=10)
    footnote(
        figure,
        "Confidence is the probability of the predicted class; images that are not kept would be"
        " left to a person. Vertical bars: 95 % intervals of the risk. On the left few images are"
        " kept, so the curve is uncertain.",
    )
    return figure


def draw_matrix(axes: Axes, matrix: np.ndarray, cell: str, fontsize: int) -> AxesImage:
    """Draw a confusion matrix, coloured by the percentage of each true class; return the image.

    Args:
        matrix: (classes, classes) counts; rows are the true classes.
        cell: format of a count and its percentage, such as "{:,}\\n{:.1f} %".
    """
    share = 100 * matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    for (row, column), count in np.ndenumerate(matrix):
        text = cell.format(count, share[row, column]) if matrix[row].any() else "0"
        shade = "white" if share[row, column] > 55 else "black"
        style = {"ha": "center", "va": "center", "fontsize": fontsize, "color": shade}
        axes.text(column, row, text, **style)
    return axes.imshow(share, cmap="Blues", vmin=0, vmax=100, aspect="auto")
