"""The page and the card of a run: the run's facts, its gaps, and nothing from outside."""

import re

import numpy as np
import pytest
from test_metrics import make

from covid_keras.errors import InputError
from covid_keras.evaluation import evaluate
from covid_keras.evaluation.tables import percent
from covid_keras.files import write_json, write_text
from covid_keras.report import figures
from covid_keras.report.card import write_card
from covid_keras.report.html import write_report
from covid_keras.report.summary import flatten, read_run


@pytest.fixture
def run(tmp_path):
    """A run folder with all its parts, one class name with a character that HTML reserves."""
    folder = tmp_path / "run_1"
    random = np.random.default_rng(0)
    labels = random.integers(2, size=60)
    scores = random.dirichlet([1, 1], size=60) + np.eye(2)[labels]
    predictions = make(labels, scores / 2, np.arange(60) // 3, ("a<b", "COVID-19"))
    result = evaluate(predictions, resamples=50)
    recipe = {
        "name": "ct-bit",
        "title": "BiT on CT",
        "citation": "Zhao 2021",
        "data": {"dataset": "phantom-ct"},
        "input": {"crop": 128, "box": "annotated", "fit": "stretch"},
        "model": {"name": "bit_r50x1", "weights": ""},
        "scaled": True,
        "changes": ["training.steps=20, not 10000"],
        "seed": 3,
    }
    write_json(folder / "recipe.json", recipe)
    write_json(folder / "environment.json", {"command": "covid-keras train ct-bit", "gpu": None})
    write_json(folder / "fingerprint.json", {"stamps": ["PHANTOM: synthetic"], "sha256": "ab12"})
    write_json(folder / "metrics.json", {"stamps": [], "splits": {"test": result}})
    predictions.table.assign(split="test").to_csv(folder / "split.csv", index=False)
    for name in ("log.csv", "predictions_val.csv", "predictions_test.csv"):
        (folder / name).write_text("")
    for name in ("figures/confusion_matrix_test", "gradcam/step_1", "gradcam/step_2"):
        figures.confusion_matrix_figure(folder / f"{name}.png", result)
    return folder


def test_the_page_holds_scores_stamps_settings_and_figures(run):
    page = write_report(run).read_text()
    entry = read_run(run).splits["test"]["per_class"]["COVID-19"]["sensitivity"]
    assert f"<td>{percent(entry)}</td>" in page
    assert page.index("PHANTOM: synthetic") < page.index("not a medical device")
    assert page.index("not a medical device") < page.index("<h2>")
    assert "patient bootstrap, 50 resamples, 20 patients" in page
    assert "<td>input.crop</td><td>128</td>" in page
    assert "<td>gpu</td><td>not known</td>" in page
    assert "covid-keras train ct-bit\ncovid-keras evaluate run_1" in page
    assert "External test: not done." in page
    assert "Not the paper&#x27;s: training.steps=20, not 10000." in page
    assert "Not there yet" not in page
    assert page.count("data:image/png;base64,") == 2
    assert "Grad-CAM, step 2" in page
    assert "Grad-CAM, step 1" not in page


def test_the_page_needs_nothing_from_outside(run):
    page = write_report(run).read_text()
    assert not re.findall(r"<script|<link|https?://|src=\"(?!data:)|url\(", page)
    assert "a&lt;b" in page
    assert "a<b" not in page


def test_what_is_missing_is_said_with_the_command_that_makes_it(tmp_path):
    folder = tmp_path / "run_2"
    folder.mkdir()
    page = write_report(folder).read_text()
    assert "metrics.json: not there yet: run covid-keras evaluate run_2" in page
    assert "gradcam: not there yet: run covid-keras explain run_2" in page
    card = write_card(folder).read_text()
    assert "- Network: not known" in card
    assert "Scores: not known; run covid-keras evaluate run_2." in card


def test_the_card_states_facts_and_open_questions(run):
    card = write_card(run).read_text()
    assert "> **PHANTOM: SYNTHETIC**" in card
    assert "- First weights: random" in card
    assert "- Input: 128 x 128 pixels" in card
    counts = read_run(run).counts
    images = counts.loc[counts["label"] == "COVID-19", "images"].item()
    assert f"| test | COVID-19 | {images} | " in card
    assert "External test: not done." in card
    assert "- Age and sex of the patients: not known" in card


def test_counts_stand_in_the_order_of_the_splits(tmp_path):
    write_text(
        tmp_path / "split.csv",
        "split,label,patient\ntest,b,1\nval,b,2\ntrain,b,3\ntest,a,4\ntrain,a,5\n",
    )
    found = read_run(tmp_path).counts[["split", "label"]].to_numpy().tolist()
    assert found == [["train", "a"], ["train", "b"], ["val", "b"], ["test", "a"], ["test", "b"]]


def test_another_set_in_the_metrics_is_the_external_test(run):
    metrics = {"splits": dict.fromkeys(("test", "sars-cov-2-ct"), read_run(run).splits["test"])}
    write_json(run / "metrics.json", metrics)
    assert "External test: sars-cov-2-ct." in write_report(run).read_text()
    assert "External test: sars-cov-2-ct." in write_card(run).read_text()


def test_patients_are_not_known_where_one_id_is_missing(run):
    lines = (run / "split.csv").read_text().splitlines()
    row = next(i for i, line in enumerate(lines) if "COVID-19" in line)
    fields = lines[row].split(",")
    lines[row] = ",".join([*fields[:2], "", *fields[3:]])
    (run / "split.csv").write_text("\n".join(lines))
    counts = read_run(run).counts.set_index("label")["patients"]
    assert counts["COVID-19"] == "not known"
    assert 1 <= int(counts["a<b"]) <= 20


def test_damaged_input_names_the_file(run):
    with pytest.raises(InputError, match="no such folder"):
        write_report(run / "none")
    (run / "split.csv").write_text("image\n1\n")
    with pytest.raises(InputError, match=r"split\.csv: expected records"):
        write_report(run)
    (run / "metrics.json").write_text("[1]")
    with pytest.raises(InputError, match=r"metrics\.json: expected a JSON object. Received: list"):
        write_report(run)
    (run / "metrics.json").write_text('{\n"a"')
    with pytest.raises(InputError, match=r"metrics\.json:2: not JSON"):
        write_report(run)
    assert not (run / "report.html").exists()


def test_flatten():
    assert flatten({"a": {"b": 1, "c": None}, "d": [1, 2], "e": [], "f": "", "g": 0}) == {
        "a.b": "1",
        "a.c": "not known",
        "d": "1, 2",
        "e": "none",
        "f": "none",
        "g": "0",
    }
