"""Scores within groups."""

import numpy as np
import pandas as pd
import pytest
from made_predictions import two_classes

from covid_keras.metrics import groups
from covid_keras.metrics.scores import score
from covid_keras.metrics.sentences import summary_table


def test_groups_are_scored_by_themselves():
    test = two_classes(90)
    known = pd.DataFrame(
        {
            "source": ["x"] * 40 + ["y"] * 45 + ["tiny"] * 5,
            "age": ["39"] * 30 + ["40"] * 30 + ["200 or so"] * 10 + [""] * 20,
            "view": ["AP"] * 90,
        }
    )
    found = groups.score_groups(test, known)
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
    found = groups.score_groups(test, known)["source"]
    assert found["x"]["macro_auc"] is None and found["x"]["classes"] == ["Yes"]
    said = summary_table(score(test, resamples=50) | {"groups": {"source": found}})
    assert f"source x: {(test.labels == 1).sum()} images, accuracy" in said
    assert "macro AUC undefined (class missing)" in said and max(map(len, said.splitlines())) <= 100
