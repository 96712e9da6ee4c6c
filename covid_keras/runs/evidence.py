"""What is known of a run wherever its answers go: its id, its operating point and its tests."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields

import covid_keras
from covid_keras.datasets.label_files import SPLITS
from covid_keras.metrics.point import RULES
from covid_keras.runs.metrics_file import read_metrics
from covid_keras.runs.run import Run
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import read_json
from covid_keras.utils.shape import check_shape

METRICS = ("accuracy", "macro_auc")
_POINT = {"temperature": float, "threshold": (None, float), "patient_rule": (None, str)}
_TEST = {"set": str, "metric": str, "images": int}
_TEST |= dict.fromkeys(("value", "low", "high"), (None, float))
SHAPE = {
    "run_id": str,
    "version": str,
    "operating_point": (None, _POINT),
    "tests": [_TEST],
}
"""The shape of `Evidence` as JSON."""


@dataclass(frozen=True)
class Evidence:
    """What every answer of a network carries."""

    run_id: str
    """First 16 hexadecimal digits of the SHA-256 of fingerprint.json; "" without a run."""
    version: str
    """Of covid_keras."""
    operating_point: dict | None
    """Fitted on val: temperature, threshold and patient_rule; None for a run without val."""
    tests: tuple[dict, ...]
    """Results on test and external sets: set, metric (`METRICS`), value, low, high, images."""

    @classmethod
    def of_json(cls, values: Mapping, place: str) -> "Evidence":
        """Return the evidence in JSON values. Raises InputError unless they have its shape."""
        check_shape(values, SHAPE, place)
        point = values["operating_point"]
        if point and not (point["temperature"] > 0 and point["patient_rule"] in (None, *RULES)):
            expected = f"a temperature above 0 and a rule of {', '.join(RULES)}"
            raise InputError(f"{place}, operating_point: expected {expected}. Received: {point}")
        known = {field.name: values[field.name] for field in fields(cls)}
        return cls(**known | {"tests": tuple(values["tests"])})


def evidence(run: Run | None) -> Evidence:
    """Return what is known of a run; None is a network of which nothing is known.

    Raises:
        InputError: fingerprint.json or metrics.json is damaged.

    Example:
        >>> evidence(covid_keras.Run(run)).tests[0]["metric"]
        'accuracy'
    """
    point, tests, run_id = None, (), ""
    if run is not None:
        text = json.dumps(read_json(run.fingerprint_file), sort_keys=True)
        run_id = hashlib.sha256(text.encode()).hexdigest()[:16]
    if run is not None and run.metrics_file.exists():
        metrics = read_metrics(run.metrics_file)
        if found := metrics.get("operating_point"):
            point = {key: found.get(key) for key in _POINT}
        tests = _tests(metrics["splits"])
    return Evidence(run_id, covid_keras.__version__, point, tests)


def _tests(results: Mapping[str, Mapping]) -> tuple[dict, ...]:
    """Return the metrics of the test split and of external sets, test first."""
    names = [name for name in results if name == "test" or name not in SPLITS]
    return tuple(
        {"set": name, "metric": metric}
        | {key: results[name]["metrics"][metric][key] for key in ("value", "low", "high")}
        | {"images": results[name]["images"]}
        for name in sorted(names, key=lambda name: (name != "test", name))
        for metric in METRICS
    )
