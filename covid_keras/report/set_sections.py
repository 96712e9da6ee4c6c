"""The sections on one set of predictions: classes, confusion, curves, subgroups, patients."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from covid_keras.metrics.calibration import reliability
from covid_keras.metrics.operating_point import Moved
from covid_keras.metrics.predictions import Predictions
from covid_keras.metrics.roc import roc
from covid_keras.metrics.scores import METRICS
from covid_keras.metrics.sentences import detail_lines, fitted, percent
from covid_keras.metrics.uncertainty import risk_coverage
from covid_keras.report.charts import Axis, Chart, Line, class_colour
from covid_keras.report.page import Bars, Bullets, Matrix, Section, Side, Table, Text, metric_bar
from covid_keras.utils.text import count

STYLES = ("solid", "dashed", "dotted")
PATIENTS = 200
"""Patients in the table at most; all are in the file of predictions."""
IN_PERCENT = Axis("", 0, 100)


def set_sections(name: str, result: Mapping, moved: Moved | None, more: list[str]) -> list[Section]:
    """Return the sections on the set `name`.

    Args:
        result: its part of metrics.json.
        moved: its predictions, at the operating point; None leaves out what needs them.
        more: lines on what it is compared with.
    """
    sections = [
        Section("Per class", _classes(result), open=True),
        Section("Confusion matrix", _confusion(name, result), open=True),
    ]
    if moved:
        sections.append(Section("Curves", [Side([*_curves(moved, result)]), *_notes(result)]))
    if groups := result.get("groups"):
        sections.append(Section("Subgroups", _subgroups(result, groups)))
    if moved and moved.patients:
        sections.append(Section("By patient", _patients(name, moved, result)))
    lines = [*detail_lines({**result, "groups": {}}), *more]
    return [*sections, *([Section("Further numbers", [Bullets(lines)])] if lines else [])]


def _classes(result: Mapping) -> list:
    images = result["images_per_class"]
    bars = [
        Bars(
            [metric_bar(title, entries[metric], k) for metric, title in METRICS.items()],
            f"{label}: {count(images[label], 'image')}",
        )
        for k, (label, entries) in enumerate(result["per_class"].items())
    ]
    note = (
        f"In percent; {result['intervals']}. The metrics of a class are one-vs-rest; each image"
        " counts once. PPV and NPV hold only for the class prevalence of this set."
    )
    return [Side(bars), *(Text(text, small=True) for text in (note, *result["notes"]))]


def _confusion(name: str, result: Mapping) -> list:
    matrix = Matrix(f"Confusion matrix of {name}", result["classes"], result["confusion_matrix"])
    return [matrix, Text("Rows: true class. Columns: predicted class.", small=True)]


def _notes(result: Mapping) -> list[Text]:
    note = "Vertical lines are 95 % intervals, by patient where patients are known."
    if "calibration" in result:
        note += f" The temperature: {fitted(result)}."
    if "folds" in result:
        note += " ROC curve: the mean of the folds' curves; AUC compares images of one fold only."
    return [Text(note, small=True)]


def _curves(moved: Moved, result: Mapping) -> Iterator[Chart]:
    yield roc_chart(moved.images, result)
    if moved.scaled and (scaling := result.get("calibration")):
        yield reliability_chart(moved.images, moved.scaled, scaling)
    yield confidence_chart(moved.images, result["uncertainty"]["accuracy_at"])


def roc_chart(predictions: Predictions, result: Mapping) -> Chart:
    """Return the ROC curve of each class, one-vs-rest."""
    lines = [Line((0, 100), (0, 100), "chance, AUC 50", "muted", "dotted")]
    for k, name in enumerate(predictions.classes):
        area = result["per_class"][name]["auc"]
        false, true = roc(predictions, k)
        label, style = f"{name}, AUC {percent(area)}", STYLES[k % len(STYLES)]
        lines.append(Line(100 * false, 100 * true, label, class_colour(k), style))
    x = replace(IN_PERCENT, label="1 - specificity (%)")
    return Chart("ROC, one-vs-rest", x, replace(IN_PERCENT, label="sensitivity (%)"), lines)


def reliability_chart(before: Predictions, after: Predictions, scaling: Mapping) -> Chart:
    """Return accuracy with its interval against confidence, before and after scaling."""
    bins = reliability(before)
    known = [one for one in bins if one["accuracy"]["low"] is not None]
    alone = [one for one in bins if one["accuracy"]["low"] is None]
    label = f"as predicted, ECE {percent(scaling['before']['ece'])}"
    lines = [
        Line((0, 100), (0, 100), "perfect", "muted", "dotted"),
        Line(*_accuracies(bins), label, dots=5),
        Line(*_accuracies(known), low=_ends(known, "low"), high=_ends(known, "high"), style="none"),
        Line(*_accuracies(alone), style="none", dots=5),
    ]
    label = f"temperature {scaling['temperature']:.2f}, ECE {percent(scaling['after']['ece'])}"
    lines.append(Line(*_accuracies(reliability(after)), label, "muted", "dashed", dots=3))
    x = replace(IN_PERCENT, label="confidence (%)")
    return Chart("Reliability", x, replace(IN_PERCENT, label="accuracy (%)"), lines)


def _accuracies(bins: list[dict]) -> tuple[list[float], list[float]]:
    x = [100 * one["confidence"] for one in bins]
    return x, [100 * one["accuracy"]["value"] for one in bins]


def _ends(bins: list[dict], end: str) -> list[float]:
    return [100 * one["accuracy"][end] for one in bins]


def confidence_chart(predictions: Predictions, accuracy_at: Mapping[str, Mapping]) -> Chart:
    """Return the accuracy on the most confident share of the images."""
    correct = predictions.predicted == predictions.labels
    coverage, risk = risk_coverage(correct, predictions.probabilities.max(axis=1))
    known = {100 * float(s): e for s, e in accuracy_at.items() if e["low"] is not None}
    accuracy = 100 * (1 - np.asarray(risk))
    lines = [
        Line(100 * np.asarray(coverage), accuracy, "the most confident images"),
        Line(
            [*known],
            [100 * entry["value"] for entry in known.values()],
            style="none",
            dots=5,
            low=[100 * entry["low"] for entry in known.values()],
            high=[100 * entry["high"] for entry in known.values()],
        ),
    ]
    x = replace(IN_PERCENT, label="share of images kept (%)")
    y = replace(IN_PERCENT, label="accuracy on them (%)")
    return Chart("Accuracy where it is confident", x, y, lines)


def _subgroups(result: Mapping, groups: Mapping) -> list:
    """Return the accuracy and AUC of each group as forests."""
    overall, forests = result["metrics"], []
    for metric, title in (("accuracy", "accuracy"), ("macro_auc", "macro AUC")):
        rows = [
            metric_bar(f"{column} {group}, {count(scores['images'], 'image')}", scores[metric])
            for column, found in groups.items()
            for group, scores in found.items()
            if scores[metric]
        ]
        if rows:
            forests.append(Bars(rows, title, mark=overall[metric]["value"]))
    note = "The line is the score of all images. A group without an AUC lacks a class."
    return [Side(forests), Text(note, small=True)]


def _patients(name: str, moved: Moved, result: Mapping) -> list:
    """Return the table of patients: the wrong first, then by falling certainty."""
    predictions, patients, rule = moved.images, moved.patients, result["patient_level"]["rule"]
    order = pd.factorize(predictions.patients)[1].tolist()
    numbers = {patient: place for place, patient in enumerate(order, 1)}
    images = pd.Series(predictions.patients).value_counts()
    right = pd.Series(predictions.predicted == predictions.labels)
    right = right.groupby(predictions.patients).sum()
    wrong, certainty = patients.predicted != patients.labels, patients.probabilities.max(axis=1)
    rows = []
    for row in np.lexsort((-certainty, ~wrong))[:PATIENTS]:
        patient = patients.patients[row]
        true, called = (patients.classes[k[row]] for k in (patients.labels, patients.predicted))
        probability = f"{100 * certainty[row]:.0f}"
        verdict = "wrong" if wrong[row] else "right"
        found = f"{right[patient]:,}/{images[patient]:,}"
        rows.append((f"{numbers[patient]}", true, called, verdict, probability, found))
    header = ("patient", "true", "predicted", "is", "score", "right")
    text = (
        f"{count(len(wrong), 'patient')}, {wrong.sum():,} of them wrong, by the rule {rule!r}."
        f" Patients are numbered in the order of predictions_{name}.csv, which holds their ids."
        " Score in percent; right: of its images."
    )
    if moved.left_out:
        text += f" Left out: {count(moved.left_out, 'patient')} with images of several classes."
    if len(wrong) > PATIENTS:
        text += f" Shown: {PATIENTS}."
    return [Text(text), Table(header, rows, f"Patients of {name}", numbers=False)]
