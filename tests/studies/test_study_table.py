"""The table of a study."""

import json

import pandas as pd
from latex_check import check_latex
from made_studies import COLUMNS, FakeWorker, metrics, run_fake, small_study

from covid_keras.studies.execute import finished_runs
from covid_keras.studies.study import Column, Source
from covid_keras.studies.study_rows import shortcut_notes, summary, value
from covid_keras.studies.study_table import stamps, write_table
from covid_keras.utils.files import read_json, write_json


def test_cells():
    assert summary([0.9, 0.92, 0.97], "median [min, max]").text == "92.0 [90.0, 97.0]"
    assert summary([0.9, 0.92, 0.94], "mean (std)").text == "92.0 (2.0)"
    assert summary([0.9], "mean (std)").text == "90.0"
    assert summary([0.9, None], "mean (std)").text == "undefined in 1 of 2"
    assert summary([], "mean (std)").text == ""
    assert value(metrics(0.9, None), COLUMNS[1]) is None
    assert value(metrics(0.9), Column("x", "accuracy", split="val")) is None
    moved = metrics(0.9)
    moved["splits"]["test"]["at_threshold"] = {"metrics": {"accuracy": {"value": 0.8}}}
    assert value(moved, Column("x", "accuracy", at="at_threshold")) == 0.8
    assert value(metrics(0.9), Column("x", "accuracy", at="at_threshold")) is None


def test_the_table_has_ours_beside_what_is_published_and_the_stamps(tmp_path):
    run_fake(FakeWorker(tmp_path, small_study()), small_study())
    text, files = write_table(small_study(), tmp_path, Source(), {})
    assert [file.name for file in files] == ["table.md", "table.csv", "table.tex", "study.json"]
    assert text == (tmp_path / "table.md").read_text()
    rows = [[part.strip() for part in line.split("|")[1:-1]] for line in text.splitlines()]
    assert ["BiT-M", "2", "91.0 [90.0, 92.0]", "50.0 [50.0, 50.0]"] in rows
    assert ["- published, another data set", "", "99.2", "98.7"] in rows
    assert ["A peer, published, another data set", "", "94.5 (0.5)", ""] in rows
    assert "Published: table 1 of A. Author." in text
    assert "training.batch=8 (paper: 64)" in text
    assert "**IMAGE-LEVEL SPLIT**" in text and "**NOT A MEDICAL DEVICE**" in text
    runs = json.loads((tmp_path / "study.json").read_text())["runs"]
    assert [run["hours"] for run in runs] == [2.0] * 4


def test_the_table_as_csv_and_latex(tmp_path):
    run_fake(FakeWorker(tmp_path, small_study()), small_study())
    write_table(small_study(), tmp_path, Source("covidx-ct-2a", tmp_path), {"a/b_c": "too & bad"})
    table = pd.read_csv(tmp_path / "table.csv", index_col=["row", "from"])
    ours, theirs = table.loc[("BiT-M", "this study")], table.loc[("BiT-M", "published")]
    assert list(ours[["accuracy", "accuracy min", "accuracy max"]]) == [91, 90, 92]
    assert theirs["accuracy"] == 99.2 and pd.isna(theirs["accuracy min"])
    text = (tmp_path / "table.tex").read_text()
    check_latex(text, 4)
    assert "IMAGE-LEVEL SPLIT." in text and "FAILED a/b\\_c: too \\& bad." in text
    assert text.split("midrule")[-1].strip().startswith("A peer, published")


def test_probes_and_matched_images_that_all_runs_have_are_notes(tmp_path):
    study = small_study()
    run_fake(FakeWorker(tmp_path, study), study)
    assert "AUC" not in write_table(study, tmp_path, Source(), {})[0].partition("Published")[2]
    for row, runs in finished_runs(study, tmp_path).items():
        for place, run in enumerate(runs):
            found = {"probes": {"attributes": {"sex": area(0.6 + place / 10)}}}
            found["probes"] |= {"images": 9, "left_out": {}, "negative_control": None}
            if row == "BiT-M" and place:
                found["probes"]["attributes"] |= {"age": area(0.9)}
            write_json(run.metrics_file, read_json(run.metrics_file) | found)
    text, _ = write_table(study, tmp_path, Source(), {})
    assert "Random, probes, AUC: sex 65.0 [60.0, 70.0]." in text
    assert "BiT-M, probes, AUC: sex 65.0 [60.0, 70.0]." in text and "matched" not in text
    matched = {"matched": {"classes": {"COVID-19": {"auc": None}, "Normal": {"auc": {"value": 1}}}}}
    assert shortcut_notes(study, {"Random": [matched]}) == [
        "Random, matched test images, AUC: COVID-19 undefined in 1 of 1, Normal 100.0."
    ]


def area(value: float) -> dict:
    """Return a probe of an attribute with this AUC."""
    auc = {"value": value, "low": None, "high": None, "method": "one patient"}
    auc |= dict.fromkeys(("lead", "lead_low", "lead_high"))
    return {"values": {}, "auc": auc, "from_metadata": None, "from_class": None}


def test_the_stamps_of_all_runs_are_said_once():
    runs = {"Random": [metrics(0.9), metrics(0.8)], "BiT-M": [metrics(0.7)]}
    assert stamps(runs) == ["IMAGE-LEVEL SPLIT", "NOT A MEDICAL DEVICE"]
