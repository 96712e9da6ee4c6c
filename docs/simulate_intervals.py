"""Measure how often the 95 % intervals hold the truth, for docs/explanation/intervals.md.

    python docs/simulate_intervals.py [--draws 1000]

Each draw is a test set: patients of one label each, drawn with probability one half, with one or
eight images. An image's score is +mu or -mu by its label, plus a normal deviate that the images of
a patient share to the extent of `correlation`; a score above 0 is called positive. A second
network, whose accuracy is five points lower, sees the same images, and half of its deviate is the
first one's. The truths follow from the normal distribution. Cells are kept in
docs/explanation/intervals.json; one that is there already is not drawn again.
"""

import argparse
import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import norm

from covid_keras.metrics.calibration import calibration
from covid_keras.metrics.intervals import FEW_UNITS, difference_bounds
from covid_keras.metrics.predictions import FIXED_COLUMNS, Predictions
from covid_keras.metrics.scores import estimates

FILE = Path(__file__).with_name("explanation") / "intervals.json"
PATIENTS, ACCURACIES, LOSS = (10, 20, 50, 200), (0.77, 0.93), 0.05
SHAPES = ((8, 0.0), (8, 0.5), (8, 0.9), (1, 0.0))
"""Images per patient, and the correlation of a patient's images."""
METRICS = ("accuracy", "sensitivity", "specificity", "ppv", "npv", "f1", "auc", "brier")
DIFFERENCES = ("accuracy difference", "AUC difference")


def cells() -> Iterator[tuple[int, int, float, float]]:
    """Yield patients, images per patient, correlation and accuracy of each cell."""
    for (images, correlation), accuracy in itertools.product(SHAPES, ACCURACIES):
        for patients in PATIENTS:
            yield patients, images, correlation, accuracy


def two_networks(
    random: np.random.Generator, patients: int, images: int, correlation: float, accuracy: float
) -> tuple[Predictions, Predictions]:
    """Return the predictions of both networks on one test set."""
    while True:
        of_patient = random.integers(2, size=patients)
        if 0 < of_patient.sum() < patients:
            break
    labels = of_patient.repeat(images)

    def deviate() -> np.ndarray:
        shared = random.normal(size=patients).repeat(images)
        own = random.normal(size=labels.size)
        return np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own

    first = deviate()
    second = np.sqrt(0.5) * first + np.sqrt(0.5) * deviate()
    table = pd.DataFrame("", range(labels.size), FIXED_COLUMNS)
    table["patient"] = np.arange(patients).repeat(images).astype(str)
    made = []
    for skill, noise in ((accuracy, first), (accuracy - LOSS, second)):
        mu = norm.ppf(skill)
        yes = 1 / (1 + np.exp(-2 * mu * (mu * (2 * labels - 1) + noise)))
        made.append(Predictions(table, ("No", "Yes"), labels, np.stack([1 - yes, yes], axis=1)))
    return made[0], made[1]


def truths(accuracy: float) -> dict[str, float]:
    """Return the true value of every metric."""
    areas = [norm.cdf(np.sqrt(2) * norm.ppf(skill)) for skill in (accuracy, accuracy - LOSS)]
    mu, grid = norm.ppf(accuracy), np.linspace(-9, 9, 20_001)
    wrong = 1 / (1 + np.exp(2 * mu * (mu + grid)))
    brier = np.trapezoid(wrong**2 * norm.pdf(grid), grid)
    plain = dict.fromkeys(METRICS, accuracy) | {"auc": areas[0], "brier": float(brier)}
    return plain | {"accuracy difference": -LOSS, "AUC difference": areas[1] - areas[0]}


def measured(first: Predictions, second: Predictions) -> dict[str, tuple[float, float, int]]:
    """Return the bounds of every metric that is defined, and how many patients it rests on."""
    found, other = estimates(first), estimates(second)
    each = {name: found[name] if name == "accuracy" else found[name][1] for name in METRICS[:-1]}
    result = {n: (*e.bounds(), e.units) for n, e in each.items() if e.units > 1}
    brier = calibration(first, resamples=1)["brier"]
    result["brier"] = (brier["low"], brier["high"], found["accuracy"].units)
    for name, key in zip(DIFFERENCES, ("accuracy", "macro_auc"), strict=True):
        pair = found[key], other[key]
        if pair[0].units > 1:
            result[name] = (*difference_bounds(*pair), pair[0].units)
    return result


def coverage(cell: tuple, draws: int) -> dict[str, list[float]]:
    """Return {metric: [share of the intervals that hold the truth, share called unreliable]}."""
    random, true = np.random.default_rng([round(100 * x) for x in cell]), truths(cell[-1])
    held: dict[str, list[bool]] = {name: [] for name in (*METRICS, *DIFFERENCES)}
    few: dict[str, list[bool]] = {name: [] for name in held}
    for _ in range(draws):
        for name, (low, high, units) in measured(*two_networks(random, *cell)).items():
            held[name].append(bool(low - 1e-12 <= true[name] <= high + 1e-12))
            few[name].append(units < FEW_UNITS)
    return {n: [round(float(np.mean(part)), 4) for part in (held[n], few[n])] for n in held}


def table(kept: dict) -> str:
    """Return the coverage in percent as a Markdown table; "*" where the interval is unreliable."""
    names = (*METRICS, *DIFFERENCES)
    lines = ["| images, correlation, accuracy | patients | " + " | ".join(names) + " |"]
    lines.append("|---" * (len(names) + 2) + "|")
    for cell in cells():
        patients, images, correlation, accuracy = cell
        parts = kept["cells"][key_of(cell)]
        values = [
            f"{100 * held:.1f}{'*' if few > 0.5 else ''}" for held, few in map(parts.get, names)
        ]
        shape = f"{images}, {correlation:g}, {100 * accuracy:.0f} %"
        lines.append(f"| {shape} | {patients} | " + " | ".join(values) + " |")
    return "\n".join(lines)


def key_of(cell: tuple) -> str:
    """Return the name of a cell in the file."""
    return " ".join(f"{part:g}" for part in cell)


def main() -> None:
    """Draw the missing cells."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=1000)
    draws = parser.parse_args().draws
    kept = json.loads(FILE.read_text()) if FILE.exists() else {"draws": draws, "cells": {}}
    if kept["draws"] != draws:
        kept = {"draws": draws, "cells": {}}
    for cell in cells():
        if key_of(cell) not in kept["cells"]:
            kept["cells"][key_of(cell)] = coverage(cell, draws)
            FILE.write_text(json.dumps(kept, indent=1) + "\n")
            print(key_of(cell), kept["cells"][key_of(cell)], flush=True)
    page = FILE.with_suffix(".md")
    before, _, rest = page.read_text().partition("<!-- table -->\n")
    after = rest.partition("<!-- end of table -->")[2]
    page.write_text(f"{before}<!-- table -->\n{table(kept)}\n<!-- end of table -->{after}")
    print(f"wrote {FILE} and the table of {page}")


if __name__ == "__main__":
    main()
