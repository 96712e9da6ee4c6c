"""The score cards: by patient first, what they are compared with, and no number twice."""

import copy

import pytest
from made_predictions import two_networks

from covid_keras.metrics import operating_point
from covid_keras.metrics.set_scores import score_set
from covid_keras.report.cards import cards


@pytest.fixture(scope="module")
def made() -> dict:
    predictions, _ = two_networks(better=1.0)
    point = operating_point.fit(predictions)
    result = score_set(predictions, predictions.table[["source"]], point, resamples=20)
    return {"stamps": [], "splits": {"test": result}}


def titles(metrics: dict) -> list[str]:
    return [card.title for card in cards(metrics, "test")]


def test_patients_come_first_and_the_operating_point_last(made):
    assert titles(made) == [
        "By patient: accuracy",
        "By patient: macro AUC",
        "By image: accuracy",
        "By image: macro F1",
        "By image: macro AUC",
        "By image: sensitivity of Yes",
        "By image: specificity of Yes",
    ]


def test_the_metadata_baseline_is_marked(made):
    baseline = {"accuracy": {"value": 0.6}, "macro_auc": {"value": None}}
    found = {card.title: card for card in cards(made | {"metadata_baseline": baseline}, "test")}
    assert found["By image: accuracy"].marks["metadata baseline"] == 0.6
    assert found["By image: macro AUC"].marks == {"chance": 0.5}


def test_unknown_patients_are_said(made):
    metrics = copy.deepcopy(made)
    del metrics["splits"]["test"]["patient_level"]
    first = cards(metrics, "test")[0]
    assert (first.title, first.bar.text) == ("By patient", "unknown")


def test_patients_of_one_image_are_not_told_twice(made):
    metrics = copy.deepcopy(made)
    metrics["splits"]["test"]["patient_level"]["patients"] = 240
    found = cards(metrics, "test")
    assert found[0].note == "240 patients, one image each"
    assert found[0].marks == {"one class for all": 0.5}
    assert "By image: accuracy" not in titles(metrics)
