"""All metrics of a set and of its groups: undefined values, notes and errors."""

import numpy as np
import pandas as pd
import pytest
from made_predictions import make, noisy, two_classes

from covid_keras.metrics.results import Metrics
from covid_keras.metrics.scores import score, score_groups
from covid_keras.metrics.sentences import group_lines
from covid_keras.utils.errors import InputError


def test_it_reports_undefined_as_none_with_a_note():
    scores = np.tile([0.8, 0.15, 0.05], (8, 1))
    result = score(make([0] * 5 + [1] * 3, scores))
    assert result["per_class"]["CP"]["ppv"] == {
        "value": None,
        "low": None,
        "high": None,
        "method": "none: undefined",
    }
    assert result["per_class"]["NCP"]["auc"]["value"] is None
    assert result["metrics"]["macro_f1"]["value"] is None
    assert result["notes"][0].startswith(
        "Undefined, as images or predictions of a class are missing: macro_f1, macro_auc"
    )
    assert "ppv of CP" in result["notes"][0]
    assert result["confusion_matrix"] == [[5, 0, 0], [3, 0, 0], [0, 0, 0]]
    metrics = {"stamps": [], "splits": {"test": result}}
    assert "undefined" in str(Metrics.of_set(metrics, "test"))


def test_images_without_a_label_are_refused():
    labels, scores = noisy(500).labels, noisy(500).probabilities
    with pytest.raises(InputError, match="1 of 500 images without one"):
        score(make([-1, *labels[1:]], scores))


def test_groups_are_scored_by_themselves():
    test = two_classes(90)
    known = pd.DataFrame(
        {
            "source": ["x"] * 40 + ["y"] * 45 + ["tiny"] * 5,
            "age": ["39"] * 30 + ["40"] * 30 + ["200 or so"] * 10 + [""] * 20,
            "view": ["AP"] * 90,
        }
    )
    found = score_groups(test, known)
    assert {name: list(part) for name, part in found.items()} == {
        "source": ["x", "y"],
        "age": ["0 to 39", "40 to 59"],
    }
    right = test.predicted == test.labels
    assert found["source"]["y"]["accuracy"]["value"] == pytest.approx(right[40:85].mean())
    assert found["age"]["0 to 39"]["images"] == 30
    assert found["source"]["x"]["macro_auc"]["low"] < found["source"]["x"]["macro_auc"]["high"]


def test_a_source_of_one_class_has_no_auc():
    test = two_classes(60)
    known = pd.DataFrame({"source": np.where(test.labels == 1, "x", "y")})
    found = score_groups(test, known)["source"]
    assert found["x"]["macro_auc"] is None and found["x"]["classes"] == ["Yes"]
    said = group_lines({"source": found})
    assert said[0].startswith(f"source x: {(test.labels == 1).sum()} images, accuracy")
    assert said[0].endswith("macro AUC undefined (class missing)")
