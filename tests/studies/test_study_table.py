"""The table of a study."""

import json

from made_studies import COLUMNS, FakeWorker, metrics, run_fake, small_study

from covid_keras.studies.study import Column, Source
from covid_keras.studies.study_table import cell, stamps, value, write_table


def test_cells():
    assert cell([0.9, 0.92, 0.97], "median [min, max]") == "92.0 [90.0, 97.0]"
    assert cell([0.9, 0.92, 0.94], "mean (std)") == "92.0 (2.0)"
    assert cell([0.9], "mean (std)") == "90.0"
    assert cell([0.9, None], "mean (std)") == "undefined in 1 of 2"
    assert cell([], "mean (std)") == ""
    assert value(metrics(0.9, None), COLUMNS[1]) is None
    assert value(metrics(0.9), Column("x", "accuracy", split="val")) is None
    moved = metrics(0.9)
    moved["splits"]["test"]["at_threshold"] = {"metrics": {"accuracy": {"value": 0.8}}}
    assert value(moved, Column("x", "accuracy", at="at_threshold")) == 0.8
    assert value(metrics(0.9), Column("x", "accuracy", at="at_threshold")) is None


def test_the_table_has_ours_beside_the_papers_and_the_stamps(tmp_path):
    run_fake(FakeWorker(tmp_path, small_study()), small_study())
    text = write_table(small_study(), tmp_path, Source(), {})
    assert text == (tmp_path / "table.md").read_text()
    rows = [[part.strip() for part in line.split("|")[1:-1]] for line in text.splitlines()]
    assert ["BiT-M", "2", "91.0 [90.0, 92.0]", "50.0 [50.0, 50.0]"] in rows
    assert ["- the paper", "", "99.2", "98.7"] in rows
    assert ["A peer, the paper", "", "94.5", ""] in rows
    assert "training.batch=8 (paper: 64)" in text
    assert "**IMAGE-LEVEL SPLIT**" in text and "**NOT A MEDICAL DEVICE**" in text
    runs = json.loads((tmp_path / "study.json").read_text())["runs"]
    assert [run["hours"] for run in runs] == [2.0] * 4


def test_the_stamps_of_all_runs_are_said_once():
    runs = {"Random": [metrics(0.9), metrics(0.8)], "BiT-M": [metrics(0.7)]}
    assert stamps(runs) == ["IMAGE-LEVEL SPLIT", "NOT A MEDICAL DEVICE"]
