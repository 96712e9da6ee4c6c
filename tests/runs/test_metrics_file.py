"""metrics.json: what evaluate wrote is read, and any other type or missing key is one line."""

import copy
import json

import numpy as np
import pytest
from made_predictions import make

from covid_keras.metrics.scores import score, score_groups
from covid_keras.metrics.uncertainty import selective
from covid_keras.report.run_pages import write_card, write_report
from covid_keras.runs.metrics_file import read_metrics
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import write_json


@pytest.fixture(scope="module")
def metrics() -> dict:
    labels = np.arange(40) % 2
    scores = np.random.default_rng(0).dirichlet([1, 1], size=40) + np.eye(2)[labels]
    predictions = make(labels, scores / 2, np.arange(40) // 2, ("well", "ill"))
    result = score(predictions) | {"uncertainty": selective(predictions, resamples=20)}
    source = predictions.table.assign(source=np.where(np.arange(40) < 20, "a", "b"))[["source"]]
    result["groups"] = score_groups(predictions, source)
    change = {"change": 0.1, "change_low": 0.05, "change_high": 0.2}
    compared = {key: result["metrics"][key] | change for key in ("accuracy", "macro_auc")}
    ablations = {"centre blacked out": {"images": 40} | compared}
    return {"stamps": ["NOT A MEDICAL DEVICE"], "ablations": ablations, "splits": {"test": result}}


def places(value, place=()):
    """Yield the keys that lead to every value of a JSON document."""
    if place:
        yield place
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*place, key))


def test_what_was_written_is_read(metrics, tmp_path):
    write_json(tmp_path / "metrics.json", metrics)
    assert read_metrics(tmp_path / "metrics.json") == metrics


def test_pages_are_written_or_refused_whatever_stands_there(metrics, tmp_path):
    """No value of another kind ends in anything but pages or an InputError."""
    refused = 0
    random = np.random.default_rng(0)
    known = list(places(metrics))
    for place in (known[number] for number in random.permutation(len(known))[:60]):
        changed = copy.deepcopy(metrics)
        part = changed
        for key in place[:-1]:
            part = part[key]
        part[place[-1]] = [None, "x", -7, [], {}][random.integers(5)]
        write_json(tmp_path / "metrics.json", changed)
        try:
            write_report(tmp_path)
            write_card(tmp_path)
        except InputError as error:
            assert str(error).startswith(f"{tmp_path}/metrics.json")
            refused += 1
    assert refused > 20


@pytest.mark.parametrize(
    ("place", "value", "expected"),
    [
        ("splits", [], r"splits: expected an object\. Received: \[\]"),
        ("stamps", None, r"stamps: expected a list\. Received: null"),
        ("splits/test/images", "40", r'images: expected a whole number\. Received: "40"'),
        ("splits/test/metrics/accuracy/high", None, r"accuracy, high: expected a number"),
        ("splits/test/per_class", {}, r"per_class: expected \['well', 'ill'\]\. Received: \[\]"),
        ("splits/test/confusion_matrix", [[1, 2]], r"expected a row and a column for each"),
    ],
)
def test_what_does_not_fit_is_named(metrics, tmp_path, place, value, expected):
    keys = place.split("/")
    changed = part = copy.deepcopy(metrics)
    for key in keys[:-1]:
        part = part[key]
    part[keys[-1]] = value
    (tmp_path / "metrics.json").write_text(json.dumps(changed))
    with pytest.raises(InputError, match=rf"metrics\.json, .*{expected}"):
        read_metrics(tmp_path / "metrics.json")
    del part[keys[-1]]
    (tmp_path / "metrics.json").write_text(json.dumps(changed))
    with pytest.raises(InputError, match=rf"metrics\.json, .*{keys[-1]}: expected a value"):
        read_metrics(tmp_path / "metrics.json")
