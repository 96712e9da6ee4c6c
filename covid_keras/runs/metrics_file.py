"""Read metrics.json, so that nothing in it surprises pages, summaries and tables."""

from pathlib import Path

from covid_keras.metrics.scores import METRICS, OVERALL
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import read_json
from covid_keras.utils.shape import check_shape

_NUMBER = (None, float)


def _bounded(value: str, low: str, high: str) -> tuple[dict, dict]:
    """Return the shapes of a value under these keys, without an interval and with one."""
    return {value: _NUMBER, low: None, high: None}, dict.fromkeys((value, low, high), float)


METRIC = tuple(shape | {"method?": str} for shape in _bounded("value", "low", "high"))
_OVERALL = {"metrics": dict.fromkeys(OVERALL, METRIC)}
_GROUP = {"images": int, "accuracy": METRIC, "macro_auc": (None, METRIC)}
_SET: dict = _OVERALL | {
    "images": int,
    "patients": (None, int),
    "classes": [str],
    "images_per_class": {str: int},
    "patients_per_class?": (None, {str: int}),
    "confusion_matrix": [[int]],
    "per_class": {str: dict.fromkeys(METRICS, METRIC)},
    "intervals": str,
    "notes": [str],
    "bounds?": str,
    "patient_level?": _OVERALL | {"rule": str, "patients": int},
    "at_threshold?": _OVERALL | {"threshold": float},
    "calibration?": {"temperature": float, "before": {"ece": METRIC}, "after": {"ece": METRIC}},
    "uncertainty?": {"accuracy_at": {str: METRIC}},
    "at_prevalence?": {"prevalence": float, "class": str, "ppv": METRIC, "npv": METRIC},
    "groups?": {str: {str: _GROUP}},
    "folds?": int,
    "runs?": {str: {str: _NUMBER}},
}
_SET["pooled?"] = dict(_SET)


def _changes(name: str) -> tuple[dict, ...]:
    """Return the shapes of a metric beside its difference of this name."""
    changes = _bounded(name, f"{name}_low", f"{name}_high")
    return tuple(shape | change for shape in METRIC for change in changes)


def _beside(difference: str) -> dict:
    """Return the shape of scores that stand beside those of a set, with this difference."""
    metric = _changes(difference)
    return {"images": int, "accuracy": metric, "macro_auc": metric}


MAP_SCORE = _changes("lead")
"""The shape of a map's score beside its lead over the centre prior."""
PROBES = {
    "images": int,
    "attributes": {
        str: {
            "values": {str: int},
            "auc": _changes("lead"),
            "from_metadata": (None, METRIC),
            "from_class": (None, METRIC),
        }
    },
    "left_out": {str: str},
    "negative_control": (None, str),
    "runs?": int,
}
"""The shape of linear probes, in shortcuts/probes.json and in metrics.json."""
_MATCHED = {
    "known": int,
    "pairs": int,
    "refused": str,
    "differences": {str: dict.fromkeys(("before", "after"), _NUMBER)},
    "auc": (None, METRIC),
    "all": METRIC,
}
_METRICS = {
    "stamps": [str],
    "command?": str,
    "looks?": {str: int},
    "unfinished?": [str],
    "training?": {"runs": int, "network": str, "dataset": str}
    | dict.fromkeys(("images", "patients"), (None, int)),
    "operating_point?": (None, {"temperature?": _NUMBER, "threshold?": _NUMBER}),
    "splits": {str: _SET},
    "ablations?": {str: _beside("change")},
    "test_time_augmentation?": {str: _beside("change") | {"samples": int}},
    "metadata_baseline?": (None, _beside("lead") | {"columns": [str]}),
    "probes?": PROBES,
    "matched?": {"columns": [str], "classes": {str: _MATCHED}, "runs?": int},
    "maps?": {str: {str: {"average_precision": MAP_SCORE, "sentence": str}}},
}


def read_metrics(path: Path) -> dict:
    """Read a metrics.json.

    Raises:
        InputError: the file is missing or no JSON, or a value is not what `covid-keras evaluate`
            writes there.
    """
    metrics = read_json(path)
    check_shape(metrics, _METRICS, str(path))
    for name, result in metrics["splits"].items():
        _check_values(result, f"{path}, splits, {name}")
        if pooled := result.get("pooled"):
            _check_values(pooled, f"{path}, splits, {name}, pooled")
    return metrics


def _check_values(result: dict, place: str) -> None:
    """Raise InputError unless the parts of a set's result are of the same classes, and possible."""
    if (scaling := result.get("calibration")) and scaling["temperature"] <= 0:
        raise InputError(f"{place}, calibration, temperature: expected more than 0")
    classes = result["classes"]
    for part in ("images_per_class", "per_class"):
        if sorted(result[part]) != sorted(classes):
            raise InputError(f"{place}, {part}: expected {classes}. Received: {[*result[part]]}")
    sizes = [len(row) for row in result["confusion_matrix"]]
    if sizes != [len(classes)] * len(classes):
        raise InputError(f"{place}, confusion_matrix: expected a row and a column for each class")
