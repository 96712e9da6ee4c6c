"""All metrics of a set of predictions and of its groups, as metrics.json holds them."""

import itertools
import math

import numpy as np
import pandas as pd

from covid_keras.metrics import intervals
from covid_keras.metrics.classification import auc, count_metrics, proportion_counts
from covid_keras.metrics.intervals import UNDEFINED, Interval
from covid_keras.metrics.predictions import Predictions
from covid_keras.utils.errors import InputError

METRICS = {
    "sensitivity": "sensitivity",
    "ppv": "PPV",
    "specificity": "specificity",
    "npv": "NPV",
    "f1": "F1",
    "auc": "AUC",
}
"""{key of a per-class metric: its name in text}."""
OVERALL = {"accuracy": "accuracy", "macro_f1": "macro F1", "macro_auc": "macro AUC"}
"""{key of an overall metric: its name in text}."""
FEW_UNITS = 10
"""Intervals that rest on fewer patients get a note."""
LEAST_IMAGES = 10
"""Groups with fewer images are not scored."""
AGES = (0, 40, 60, 80, 200)
"""Edges of the age groups in years."""


def score(predictions: Predictions, seed: int = 0, resamples: int = 2000) -> dict:
    """Return all metrics of a set, each image counting once, ready for JSON.

    Args:
        predictions: Every image with a label.
        seed: Seed of the bootstrap.
        resamples: Of the bootstrap, at least 1.

    Returns:
        images, patients (None without ids), classes, images_per_class, patients_per_class,
        confusion_matrix (rows: true class), `metrics` {accuracy, macro_f1, macro_auc} and
        `per_class` {class: {sensitivity, ppv, specificity, npv, f1, auc}}, each
        {value, low, high, method} as fractions in [0, 1], None where undefined; `intervals`, a
        sentence on how the intervals were made; `notes`, sentences on unreliable values.

    Raises:
        InputError: An image without a label, or fewer than one resample.
    """
    unlabelled = int((predictions.labels < 0).sum())
    if unlabelled or not len(predictions.labels):
        raise InputError(
            f"metrics: expected a label for every image. Received: {unlabelled} of "
            f"{len(predictions.labels)} images without one"
        )
    if resamples < 1:
        raise InputError(f"metrics: expected at least one resample. Received: {resamples}")
    return _Scores(predictions, seed, resamples).result()


def point_estimates(predictions: Predictions) -> dict[str, np.ndarray]:
    """Return all metrics without intervals: overall ones as scalars, per-class ones as (K,)."""
    values = count_metrics(predictions.confusion_matrix)
    values["auc"] = np.array(
        [auc(predictions.labels == k, p) for k, p in enumerate(predictions.probabilities.T)]
    )
    values["macro_auc"] = values["auc"].mean()
    return values


def score_groups(predictions: Predictions, attributes: pd.DataFrame, seed: int = 0) -> dict:
    """Return accuracy and macro AUC within groups.

    Args:
        predictions: Of N images.
        attributes: N rows in the same order, one column for each grouping; strings, "" where
            unknown. Columns with fewer than two groups of `LEAST_IMAGES` images are skipped.
        seed: Seed of the bootstrap.

    Returns:
        {column: {group: {images, patients, classes with images, accuracy, macro_auc}}}; macro_auc
        is None if a class has no image in the group.
    """
    result = {}
    for column in attributes:
        values = _age_groups(attributes[column]) if column == "age" else attributes[column]
        sizes = values[values != ""].value_counts()
        names = sorted(sizes[sizes >= LEAST_IMAGES].index)
        if len(names) > 1:
            groups = {name: predictions.take((values == name).to_numpy()) for name in names}
            result[column] = {name: _score_group(group, seed) for name, group in groups.items()}
    return result


class _Scores:
    """What the metrics of one set of predictions share."""

    def __init__(self, predictions: Predictions, seed: int, resamples: int) -> None:
        self.predictions, self.resamples = predictions, resamples
        self.labels, self.classes = predictions.labels, predictions.classes
        self.by_patient, self.unit = predictions.has_patients, predictions.unit
        self.counts = proportion_counts(predictions.confusion_matrix)
        self.values = point_estimates(predictions)
        self.draws = intervals.bootstrap(
            self.labels, predictions.probabilities, predictions.clusters, resamples, seed
        )
        self.undefined, self.few, self.dropped = [], [], []
        self.notes = {
            "Undefined, as their denominator is 0": self.undefined,
            f"Too few patients for a reliable interval, below {FEW_UNITS}": self.few,
            f"Undefined in some of {resamples:,} resamples, which are left out": self.dropped,
        }

    def result(self) -> dict:
        names = list(enumerate(self.classes))
        patients = {c: self._units(self.labels == k) for k, c in names}
        return {
            "images": len(self.labels),
            "patients": self._support("accuracy", None) if self.by_patient else None,
            "classes": list(self.classes),
            "images_per_class": {c: int((self.labels == k).sum()) for k, c in names},
            "patients_per_class": patients if self.by_patient else None,
            "confusion_matrix": self.predictions.confusion_matrix.tolist(),
            "metrics": {name: self._entry(name) for name in OVERALL},
            "per_class": {c: {name: self._entry(name, k) for name in METRICS} for k, c in names},
            "intervals": self._method(),
            "notes": [f"{note}: {', '.join(names)}" for note, names in self.notes.items() if names],
        }

    def _entry(self, name: str, k: int | None = None) -> dict:
        value = float(self.values[name] if k is None else self.values[name][k])
        title = name if k is None else f"{name} of {self.classes[k]}"
        if math.isnan(value):
            self.undefined.append(title)
            return dict(UNDEFINED)
        interval, units = self._interval(name, value, k), self._support(name, k)
        if interval.dropped:
            self.dropped.append(f"{title} ({interval.dropped:,})")
        if self.by_patient and units < FEW_UNITS:
            self.few.append(f"{title} ({units})")
        return interval.entry(value)

    def _interval(self, name: str, value: float, k: int | None) -> Interval:
        """Return the interval of one metric, by the first rule that fits it."""
        if name in self.counts and not self.by_patient:
            hits, trials = (count if k is None else count[k] for count in self.counts[name])
            return Interval(*intervals.wilson(int(hits), int(trials)), "Wilson")
        units = self._support(name, k)
        if units < 2 and value not in (0, 1):
            return Interval(None, None, f"none: one {self.unit} only")
        draws = self.draws[name] if k is None else self.draws[name][:, k]
        interval = intervals.percentile_interval(draws, f"{self.unit} bootstrap")
        if interval.low is None or interval.low < interval.high:
            return interval
        if name in ("macro_f1", "macro_auc"):
            return self._macro_agreeing(name.removeprefix("macro_"))
        return intervals.agreeing_interval(name, value, units, self.unit)

    def _macro_agreeing(self, name: str) -> Interval:
        """Return the mean of the classes' bounds, for when all resamples agree."""
        values = enumerate(self.values[name])
        parts = [self._interval(name, float(value), k) for k, value in values]
        low, high = np.mean([[part.low, part.high] for part in parts], axis=0)
        return Interval(float(low), float(high), "mean of the classes' Wilson bounds")

    def _support(self, name: str, k: int | None) -> int:
        """Return the number of independent units (patients or images) behind a metric."""
        if name == "accuracy":
            return int(self.predictions.clusters.max()) + 1
        if k is None:
            name = name.removeprefix("macro_")
            return min(self._support(name, k) for k in range(len(self.classes)))
        true, called = self.labels == k, self.predictions.predicted == k
        if name == "auc":
            return min(self._units(true), self._units(~true))
        rows = {"sensitivity": true, "specificity": ~true, "ppv": called, "npv": ~called}
        return self._units(rows.get(name, true | called))

    def _units(self, rows: np.ndarray) -> int:
        return len(np.unique(self.predictions.clusters[rows]))

    def _method(self) -> str:
        """Return a sentence on how the intervals were made."""
        if self.by_patient:
            return (
                f"95 % intervals: patient bootstrap, {self.resamples:,} resamples, "
                f"{self._support('accuracy', None):,} patients; where all resamples agree, "
                "Wilson with one observation per patient"
            )
        unknown = "not every image" if (self.predictions.patients != "").any() else "no image"
        return (
            f"95 % intervals: Wilson for proportions, image bootstrap with {self.resamples:,} "
            f"resamples for F1 and AUC; {unknown} has a patient id, so images count as "
            "independent and the intervals are too narrow"
        )


def _score_group(group: Predictions, seed: int) -> dict:
    result = score(group, seed, resamples=1000)
    present = sorted(set(group.labels.tolist()))
    complete = len(present) == len(group.classes)
    return {
        "images": result["images"],
        "patients": result["patients"],
        "classes": [group.classes[k] for k in present],
        "accuracy": result["metrics"]["accuracy"],
        "macro_auc": result["metrics"]["macro_auc"] if complete else None,
    }


def _age_groups(column: pd.Series) -> pd.Series:
    """Return years as "40 to 59"; "" where the value is no number."""
    years = pd.to_numeric(column, errors="coerce")
    names = [f"{low} to {high - 1}" for low, high in itertools.pairwise(AGES)]
    cut = pd.cut(years, AGES, right=False, labels=names)
    return cut.astype("object").where(cut.notna(), "").astype("str")
