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

from covid_keras.errors import InputError
from covid_keras.evaluation.calibration import BINS, reliability, scaled
from covid_keras.evaluation.predictions import Predictions
from covid_keras.evaluation.tables import percent
from covid_keras.evaluation.uncertainty import risk_coverage
from covid_keras.report.canvas import colour, footnote, new_figure, save

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
    figure, top = new_figure(6.6, stamps, f"Confusion matrix, {title}: {_counts(result)}")
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
    sensitivity = [f"{c}\nsensitivity {_percent(entries[c]['sensitivity'])}" for c in classes]
    ppv = [f"{c}\nPPV {_percent(entries[c]['ppv'])}" for c in classes]
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


def roc_figure(
    path: str | Path,
    predictions: Predictions,
    result: dict,
    stamps: Sequence[str] = (),
    title: str = "test",
) -> None:
    """ROC curve of each class against the rest, with AUC and its interval.

    Args:
        path: The PNG, written atomically.
        predictions: What the curves are drawn from.
        result: What `evaluate` returned for the same predictions.
        stamps: What every output must say first.
        title: Which split this is.
    """
    figure, top = new_figure(
        7.4, stamps, f"ROC, each class against the rest, {title}: {_counts(result)}"
    )
    axes = figure.add_axes((0.1, 0.13, 0.87, top - 0.14))
    axes.plot([0, 100], [0, 100], color="grey", linestyle=":", linewidth=1, label="chance, AUC 50")
    styles = ("-", "--", "-.", ":")
    for k, name in enumerate(predictions.classes):
        label = f"{name}, AUC {_percent(result['per_class'][name]['auc'])}"
        false, true = _roc(predictions.labels == k, predictions.probabilities[:, k])
        if result["per_class"][name]["auc"]["value"] is None:
            false, true = np.array([]), np.array([])
        axes.plot(
            100 * false, 100 * true, colour(k), linestyle=styles[k % 4], linewidth=2, label=label
        )
    axes.set_xlabel("1 - specificity (%)")
    axes.set_ylabel("sensitivity (%)")
    axes.set_xlim(-1, 101)
    axes.set_ylim(-1, 101)
    axes.grid(alpha=0.25)
    axes.legend(loc="lower right", fontsize=10)
    footnote(figure, result["intervals"])
    save(figure, path)


def reliability_figure(
    path: str | Path,
    predictions: Predictions,
    result: dict,
    stamps: Sequence[str] = (),
    title: str = "test",
) -> None:
    """Accuracy against confidence, before and after temperature scaling, with the bins' sizes.

    Args:
        path: The PNG, written atomically.
        predictions: What the bins are made of.
        result: What `evaluate` and `beyond` returned for the same predictions.
        stamps: What every output must say first.
        title: Which split this is.
    """
    said = result["calibration"]
    figure, top = new_figure(6.8, stamps, f"Reliability, {title}: {_counts(result)}")
    panels = figure.subplots(
        2,
        2,
        sharex=True,
        gridspec_kw={"height_ratios": [4, 1], "hspace": 0.1, "wspace": 0.2}
        | {"left": 0.08, "right": 0.98, "top": top - 0.05, "bottom": 0.14},
    )
    after = scaled(predictions.probabilities, said["temperature"])
    names = {"before": "as the network says", "after": f"temperature {said['temperature']:.2f}"}
    for column, (when, values) in enumerate(
        {"before": predictions.probabilities, "after": after}.items()
    ):
        axes, sizes = panels[:, column]
        bins = reliability(predictions.labels, values)
        axes.plot([0, 100], [0, 100], color="grey", linestyle=":", linewidth=1)
        axes.plot(100 * bins.confidence, 100 * bins.accuracy, "o-", color=colour(0))
        ece, brier = (said[when][name] for name in ("ece", "brier"))
        axes.set_title(
            f"{names[when]}\nECE {_percent(ece)}, Brier score {brier['value']:.3f}", fontsize=10
        )
        axes.set_ylim(-2, 102)
        sizes.bar((np.arange(BINS) + 0.5) * 100 / BINS, bins.images, 90 / BINS, color=colour(0))
        sizes.set_xlabel("confidence (%)")
        for each in (axes, sizes):
            each.set_xlim(0, 100)
            each.grid(alpha=0.25)
    panels[0, 0].set_ylabel("accuracy (%)")
    panels[1, 0].set_ylabel("images")
    footnote(
        figure,
        f"Confidence is the probability of the predicted class, in {BINS} bins of equal width. "
        "The temperature was fitted on val.",
    )
    save(figure, path)


def risk_coverage_figure(
    path: str | Path,
    predictions: Predictions,
    result: dict,
    stamps: Sequence[str] = (),
    title: str = "test",
) -> None:
    """Share of wrong answers among the surest images, against the share of images kept.

    Args:
        path: The PNG, written atomically.
        predictions: What the curve is drawn from.
        result: What `evaluate` and `selective` returned for the same predictions.
        stamps: What every output must say first.
        title: Which split this is.
    """
    said = result["uncertainty"]
    figure, top = new_figure(6.2, stamps, f"Risk and coverage, {title}: {_counts(result)}")
    axes = figure.add_axes((0.09, 0.16, 0.88, top - 0.17))
    curve = risk_coverage(
        predictions.predicted == predictions.labels, predictions.probabilities.max(axis=1)
    )
    area = f"this network, area {_percent(said['aurc'])}"
    axes.plot(100 * curve.coverage, 100 * curve.risk, color=colour(0), linewidth=2, label=area)
    whole = 100 * said["aurc_random"]
    label = f"confidence that says nothing, {whole:.1f} %"
    axes.axhline(whole, color="grey", linestyle=":", linewidth=1, label=label)
    for share, entry in said["accuracy_at"].items():
        low, high = (100 * (1 - entry[name]) for name in ("high", "low"))
        style = {"color": "black", "linewidth": 1.5, "marker": "_", "markersize": 9}
        axes.plot([100 * float(share)] * 2, [low, high], **style)
    axes.set_xlabel("coverage: share of the images, the surest first (%)")
    axes.set_ylabel("risk: share of them with a wrong answer (%)")
    axes.set_xlim(0, 101)
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.25)
    axes.legend(loc="best", fontsize=10)
    footnote(
        figure,
        "How sure is the probability of the predicted class. The rest would be left to a person. "
        "Upright: 95 % intervals of the risk. On the left few images are kept, and the curve is "
        "uncertain.",
    )
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


def _percent(entry: dict) -> str:
    return percent(entry) if entry["value"] is None else f"{percent(entry)} %"


def _counts(result: dict) -> str:
    patients = "patients not known"
    if result["patients"] is not None:
        patients = f"{result['patients']:,} patients"
    return f"{result['images']:,} images, {patients}"


def _key(marker: str, colour: str, label: str) -> Line2D:
    return Line2D([], [], marker=marker, color=colour, linestyle="", label=label)


def _roc(positive: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """1 - specificity and sensitivity at every threshold, from (0, 0) to (1, 1)."""
    order = np.argsort(-scores, kind="stable")
    last_of_tie = np.append(np.diff(scores[order]) != 0, True)
    hits = np.cumsum(positive[order])[last_of_tie]
    calls = np.arange(1, len(scores) + 1)[last_of_tie]
    negatives = len(scores) - positive.sum()
    false, true = (calls - hits) / max(negatives, 1), hits / max(positive.sum(), 1)
    return np.append(0, false), np.append(0, true)


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
