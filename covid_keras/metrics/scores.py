"""`evaluate`: a predictions file in memory to the values, with intervals, of metrics.json."""

import math

import numpy as np

from covid_keras.metrics.classification import (
    PROPORTIONS,
    auc,
    confusion_matrix,
    count_metrics,
    proportion_counts,
)
from covid_keras.metrics.intervals import (
    UNDEFINED,
    Interval,
    agreeing_interval,
    bootstrap,
    percentile_interval,
    wilson,
)
from covid_keras.metrics.predictions import Predictions
from covid_keras.utils.errors import InputError

OVERALL = ("accuracy", "macro_f1", "macro_auc")
PER_CLASS = (*PROPORTIONS, "f1", "auc")
FEW_UNITS = 10


def evaluate(predictions: Predictions, seed: int = 0, resamples: int = 2000) -> dict:
    """All metrics of one split, each image counting once, ready for JSON.

    Returns:
        images, patients (None without ids), classes, per-class counts of both, confusion_matrix
        (rows: true class), `metrics` {accuracy, macro_f1, macro_auc} and `per_class`
        {class: {sensitivity, ppv, specificity, npv, f1, auc}}, each
        {value, low, high, method} as fractions in [0, 1], None where undefined; `intervals`, a
        sentence that says which kind they are; `notes`, sentences on what to be wary of.

    Raises:
        InputError: an image without a label, or fewer than one resample.
    """
    unlabelled = int((predictions.labels < 0).sum())
    if unlabelled or not len(predictions.labels):
        raise InputError(
            f"evaluate: expected a label for every image. Received: {unlabelled} of "
            f"{len(predictions.labels)} images without one"
        )
    if resamples < 1:
        raise InputError(f"evaluate: expected at least one resample. Received: {resamples}")
    return _Evaluation(predictions, seed, resamples).result()


class _Evaluation:
    """What the metrics of one set of predictions share."""

    def __init__(self, predictions: Predictions, seed: int, resamples: int) -> None:
        self.classes = predictions.classes
        self.labels, self.predicted = predictions.labels, predictions.predicted
        self.by_patient = predictions.has_patients
        self.unit, self.clusters = predictions.unit, predictions.clusters
        self.resamples, self.seed = resamples, seed
        self.without_patient = int((predictions.patients == "").sum())
        self.matrix = confusion_matrix(self.labels, self.predicted, len(self.classes))
        self.counts = proportion_counts(self.matrix)
        self.values = count_metrics(self.matrix)
        self.values["auc"] = np.array(
            [auc(self.labels == k, column) for k, column in enumerate(predictions.probabilities.T)]
        )
        self.values["macro_auc"] = self.values["auc"].mean()
        self.draws = bootstrap(
            self.labels, predictions.probabilities, self.clusters, resamples, seed
        )
        self.undefined: list[str] = []
        self.few: list[str] = []
        self.dropped: list[str] = []

    def result(self) -> dict:
        names = list(enumerate(self.classes))
        return {
            "images": len(self.labels),
            "patients": self._units(np.ones_like(self.labels, bool)) if self.by_patient else None,
            "classes": list(self.classes),
            "images_per_class": {c: int((self.labels == k).sum()) for k, c in names},
            "patients_per_class": {c: self._units(self.labels == k) for k, c in names}
            if self.by_patient
            else None,
            "confusion_matrix": self.matrix.tolist(),
            "metrics": {name: self._entry(name) for name in OVERALL},
            "per_class": {c: {name: self._entry(name, k) for name in PER_CLASS} for k, c in names},
            "intervals": self._sentence(),
            "notes": self._notes(),
        }

    def _entry(self, name: str, k: int | None = None) -> dict:
        value = float(self.values[name] if k is None else self.values[name][k])
        what = name if k is None else f"{name} of {self.classes[k]}"
        if math.isnan(value):
            self.undefined.append(what)
            return dict(UNDEFINED)
        interval, units = self._interval(name, value, k), self._support(name, k)
        if interval.dropped:
            self.dropped.append(f"{what} ({interval.dropped:,})")
        if self.by_patient and units < FEW_UNITS:
            self.few.append(f"{what} ({units})")
        return interval.entry(value)

    def _notes(self) -> list[str]:
        notes = {
            "Undefined, as their denominator is 0": self.undefined,
            f"Too few patients for a reliable interval, below {FEW_UNITS}": self.few,
            f"Undefined in some of {self.resamples:,} resamples, which are left out": self.dropped,
        }
        return [f"{said}: {', '.join(names)}" for said, names in notes.items() if names]

    def _interval(self, name: str, value: float, k: int | None) -> Interval:
        """The interval of one metric, by the first rule that fits it."""
        if name in self.counts and not self.by_patient:
            hits, trials = (count if k is None else count[k] for count in self.counts[name])
            return Interval(*wilson(int(hits), int(trials)), "Wilson")
        units = self._support(name, k)
        if units < 2 and value not in (0, 1):
            return Interval(None, None, f"none: one {self.unit} only")
        draws = self.draws[name] if k is None else self.draws[name][:, k]
        interval = percentile_interval(draws, f"{self.unit} bootstrap")
        if interval.low is None or interval.low < interval.high:
            return interval
        if name in ("macro_f1", "macro_auc"):
            return self._macro_agreeing(name.removeprefix("macro_"))
        return agreeing_interval(name, value, units, self.unit)

    def _macro_agreeing(self, name: str) -> Interval:
        """Mean of the classes' bounds, where all resamples agree."""
        values = enumerate(self.values[name])
        parts = [self._interval(name, float(value), k) for k, value in values]
        low, high = np.mean([[part.low, part.high] for part in parts], axis=0)
        return Interval(float(low), float(high), "mean of the classes' Wilson bounds")

    def _support(self, name: str, k: int | None) -> int:
        """How many independent units (patients or images) stand behind a metric."""
        if name == "accuracy":
            return self._units(np.ones_like(self.labels, dtype=bool))
        if k is None:
            name = name.removeprefix("macro_")
            return min(self._support(name, k) for k in range(len(self.classes)))
        true, called = self.labels == k, self.predicted == k
        if name == "auc":
            return min(self._units(true), self._units(~true))
        rows = {"sensitivity": true, "specificity": ~true, "ppv": called, "npv": ~called}
        return self._units(rows.get(name, true | called))

    def _units(self, rows: np.ndarray) -> int:
        return len(np.unique(self.clusters[rows]))

    def _sentence(self) -> str:
        if self.by_patient:
            patients = self._units(np.ones_like(self.labels, dtype=bool))
            return (
                f"95 % intervals: patient bootstrap, {self.resamples:,} resamples, "
                f"{patients:,} patients; where all resamples agree, "
                "Wilson with one observation per patient"
            )
        unknown = "no image" if self.without_patient == len(self.labels) else "not every image"
        return (
            f"95 % intervals: Wilson for proportions, image bootstrap with {self.resamples:,} "
            f"resamples for F1 and AUC; {unknown} has a patient id, so images count as "
            "independent and the intervals are narrower than the truth"
        )
