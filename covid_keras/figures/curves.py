"""The curves of a set of predictions: ROC, reliability, and risk against coverage."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from covid_keras.figures.canvas import colour, footnote, in_percent, new_figure, save
from covid_keras.metrics.calibration import BINS, reliability, scaled
from covid_keras.metrics.predictions import Predictions
from covid_keras.metrics.text import sizes
from covid_keras.metrics.uncertainty import risk_coverage


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
        7.4, stamps, f"ROC, each class against the rest, {title}: {sizes(result)}"
    )
    axes = figure.add_axes((0.1, 0.13, 0.87, top - 0.14))
    axes.plot([0, 100], [0, 100], color="grey", linestyle=":", linewidth=1, label="chance, AUC 50")
    styles = ("-", "--", "-.", ":")
    for k, name in enumerate(predictions.classes):
        label = f"{name}, AUC {in_percent(result['per_class'][name]['auc'])}"
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
    figure, top = new_figure(6.8, stamps, f"Reliability, {title}: {sizes(result)}")
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
        axes, histogram = panels[:, column]
        bins = reliability(predictions.labels, values)
        axes.plot([0, 100], [0, 100], color="grey", linestyle=":", linewidth=1)
        axes.plot(100 * bins.confidence, 100 * bins.accuracy, "o-", color=colour(0))
        ece, brier = (said[when][name] for name in ("ece", "brier"))
        axes.set_title(
            f"{names[when]}\nECE {in_percent(ece)}, Brier score {brier['value']:.3f}", fontsize=10
        )
        axes.set_ylim(-2, 102)
        histogram.bar((np.arange(BINS) + 0.5) * 100 / BINS, bins.images, 90 / BINS, color=colour(0))
        histogram.set_xlabel("confidence (%)")
        for each in (axes, histogram):
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
    figure, top = new_figure(6.2, stamps, f"Risk and coverage, {title}: {sizes(result)}")
    axes = figure.add_axes((0.09, 0.16, 0.88, top - 0.17))
    curve = risk_coverage(
        predictions.predicted == predictions.labels, predictions.probabilities.max(axis=1)
    )
    area = f"this network, area {in_percent(said['aurc'])}"
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


def _roc(positive: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """1 - specificity and sensitivity at every threshold, from (0, 0) to (1, 1)."""
    order = np.argsort(-scores, kind="stable")
    last_of_tie = np.append(np.diff(scores[order]) != 0, True)
    hits = np.cumsum(positive[order])[last_of_tie]
    calls = np.arange(1, len(scores) + 1)[last_of_tie]
    negatives = len(scores) - positive.sum()
    false, true = (calls - hits) / max(negatives, 1), hits / max(positive.sum(), 1)
    return np.append(0, false), np.append(0, true)
