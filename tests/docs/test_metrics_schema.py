"""docs/reference/metrics.schema.json fits every metrics.json, and the example."""

import json

import jsonschema
import numpy as np
import pandas as pd
import pytest
from made_predictions import two_networks
from metrics_schema import REFERENCE, SCHEMA, VALIDATOR

import covid_keras


def test_the_schema_is_one():
    VALIDATOR.check_schema(SCHEMA)


def test_the_example_fits():
    VALIDATOR.validate(json.loads((REFERENCE / "metrics.example.json").read_text("utf-8")))


def test_measured_tables_fit(tmp_path):
    first, second = two_networks(better=1.0)
    tables = [
        part.table.assign(score=part.probabilities[:, 1], sex=np.resize(["F", "M"], 240))
        for part in (first, second)
    ]
    val = tables[0].assign(image="val/" + tables[0]["image"])
    covid_keras.measure(
        tables[1],
        val=val,
        train=val.drop(columns="score"),
        positive="Yes",
        prevalence=0.1,
        require=["auc > 0.5", "no-leaks"],
        resamples=50,
        out=tmp_path / "measured",
    )
    content = json.loads((tmp_path / "measured" / "metrics.json").read_text())
    VALIDATOR.validate(content)
    assert {"leaks", "claims", "at_prevalence", "patient_level"} < set(content["splits"]["test"])
    content["splits"]["test"]["acuracy"] = {}
    with pytest.raises(jsonschema.ValidationError, match="acuracy"):
        VALIDATOR.validate(content)


def test_three_classes_fit(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.dirichlet([1, 1, 1], 60), columns=list("ABC"))
    frame = frame.assign(label=rng.choice(list("ABC"), 60))
    covid_keras.measure(frame, resamples=50, out=tmp_path / "measured")
    VALIDATOR.validate(json.loads((tmp_path / "measured" / "metrics.json").read_text()))
