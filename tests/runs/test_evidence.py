"""What every answer of a run carries: its id, its operating point and its tests."""

import json
from dataclasses import asdict

import pytest
import tiny

import covid_keras
from covid_keras.runs.evidence import Evidence, evidence
from covid_keras.utils.errors import InputError

POINT = {"temperature": 1.5, "threshold": 0.25, "patient_rule": "mean"}


@pytest.fixture
def run(tmp_path):
    return tiny.start_run(tmp_path)


def measured(value: float) -> dict:
    return {"value": value, "low": value - 0.1, "high": value + 0.1, "method": "Wilson"}


def scores(images: int, accuracy: float) -> dict:
    """A set's part of metrics.json, with what the reader asks for."""
    metrics = {
        "accuracy": measured(accuracy),
        "macro_f1": measured(0.5),
        "macro_auc": measured(0.8),
    }
    names = ("auc", "sensitivity", "specificity", "ppv", "npv", "f1")
    classes = {name: {each: measured(0.5) for each in names} for name in tiny.CLASSES}
    return {
        **{"images": images, "patients": None, "classes": list(tiny.CLASSES), "metrics": metrics},
        **{"images_per_class": dict.fromkeys(tiny.CLASSES, 3), "patients_per_class": None},
        **{"confusion_matrix": [[1, 0], [0, 1]], "per_class": classes},
        **{"intervals": "Wilson", "notes": []},
    }


def test_tests_and_operating_point_come_from_metrics(run):
    splits = {"clinic": scores(50, 0.6), "test": scores(20, 0.7), "val": scores(10, 0.9)}
    point = POINT | {"fitted_on": "val", "images": 10}
    found = {"stamps": [], "operating_point": point, "splits": splits}
    run.metrics_file.write_text(json.dumps(found))
    known = evidence(run)
    assert known.operating_point == POINT and known.version == covid_keras.__version__
    rows = [(test["set"], test["metric"], test["images"]) for test in known.tests]
    assert rows == [
        *(("test", "accuracy", 20), ("test", "macro_auc", 20)),
        *(("clinic", "accuracy", 50), ("clinic", "macro_auc", 50)),
    ]
    assert known.tests[0] | {"value": 0.7} == known.tests[0] and known.tests[0]["low"] < 0.7
    assert Evidence.of_json(json.loads(json.dumps(asdict(known))), "x") == known


def test_the_id_is_that_of_the_fingerprint(run):
    before = evidence(run)
    assert before == evidence(run) and len(before.run_id) == 16
    assert before.operating_point is None and before.tests == ()
    known = json.loads(run.fingerprint_file.read_text())
    run.fingerprint_file.write_text(json.dumps(known | {"classes": ["a", "b"]}))
    assert evidence(run).run_id != before.run_id
    assert evidence(None).run_id == ""


@pytest.mark.parametrize(
    ("part", "value", "told"),
    [
        ("run_id", 5, "x, run_id: expected a text. Received: 5"),
        (
            "operating_point",
            POINT | {"temperature": 0},
            "x, operating_point: expected a temperature",
        ),
        ("operating_point", POINT | {"patient_rule": "eval"}, "a rule of mean, top, vote"),
        ("tests", [{"set": "test"}], "x, tests, 0, metric: expected a value. Received: none"),
    ],
)
def test_damaged_evidence_is_one_line(run, part, value, told):
    values = asdict(evidence(run)) | {"tests": [], part: value}
    with pytest.raises(InputError, match=told):
        Evidence.of_json(values, "x")
