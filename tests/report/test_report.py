"""The page and the card of a run: the run's facts, its gaps, and nothing from outside."""

import re
import shutil

import numpy as np
import pytest
from made_predictions import make

from covid_keras.datasets import catalogue
from covid_keras.figures import run as run_figures
from covid_keras.metrics.scores import score
from covid_keras.metrics.text import percent
from covid_keras.report.card import write_card
from covid_keras.report.checklists import CLAIM, LISTS, TRIPOD, all_facts
from covid_keras.report.run_page import write_report
from covid_keras.report.summary import flatten, read_run
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import read_json, write_json, write_text


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run folder with all its parts, one class name with a character that HTML reserves."""
    folder = tmp_path_factory.mktemp("report") / "run_1"
    random = np.random.default_rng(0)
    labels = random.integers(2, size=60)
    scores = random.dirichlet([1, 1], size=60) + np.eye(2)[labels]
    predictions = make(labels, scores / 2, np.arange(60) // 3, ("a<b", "COVID-19"))
    result = score(predictions, resamples=50)
    recipe = {
        "name": "ct-bit",
        "title": "BiT on CT",
        "citation": "Zhao 2021",
        "data": {"dataset": "phantom-ct"},
        "input": {"crop": 128, "box": "annotated", "fit": "stretch"},
        "model": {"name": "bit_r50x1", "weights": ""},
        "scaled": True,
        "changes": ["training.steps=20 (paper: 10000)"],
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
        run_figures.confusion_matrix_figure(folder / f"{name}.png", result)
    return folder


@pytest.fixture
def run(made, tmp_path):
    """A copy of that folder for one test."""
    return shutil.copytree(made, tmp_path / made.name)


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
    assert "Settings that differ from the paper: training.steps=20 (paper: 10000)." in page
    assert "Missing parts" not in page
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
    assert "metrics.json: missing; run covid-keras evaluate run_2" in page
    assert "gradcam: missing; run covid-keras explain run_2" in page
    card = write_card(folder).read_text()
    assert "- Network: not known" in card
    assert "Scores: not known; run covid-keras evaluate run_2." in card


def test_the_card_states_facts_and_open_questions(run):
    card = write_card(run).read_text()
    assert "> **PHANTOM: SYNTHETIC**" in card
    assert "- Initial weights: random" in card
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


def change(run, file, **values):
    """Put values into a JSON file of a run folder."""
    path = run / file
    write_json(path, (read_json(path) if path.exists() else {}) | values)


@pytest.fixture
def filled(run):
    """The run folder with all that a training and an evaluation write into it."""
    change(
        run,
        "recipe.json",
        data={"dataset": "phantom-ct", "split": "kfold", "fold": 1, "folds": 5, "group": "patient"}
        | {"per_class": 0, "positive": "", "balance": False},
        training={"optimizer": "lamb", "batch": 16, "steps": 240, "eval_every": 60},
        augmentation={"flip": True, "rotation": 0.0},
    )
    packages = {"keras": "3.9.0"}
    change(run, "environment.json", covid_keras="1.0", commit="abc+changes", packages=packages)
    change(run, "fingerprint.json", classes=["a<b", "COVID-19"], image_level=False)
    point = {"fitted_on": "val", "temperature": 0.75, "threshold": 0.31}
    change(run, "metrics.json", looks={"test": 4}, operating_point=point, command="evaluate it")
    write_text(run / "model.keras", "")
    return run


def answers(checklist, run):
    """{item: the answer}."""
    facts = all_facts(read_run(run))
    return {item.number: item.answer(facts) for item in checklist.items}


def test_the_lists_have_every_published_item_once_and_in_order():
    assert [item.number for item in CLAIM.items] == [str(n) for n in range(1, 45)]
    parts = {3: "abc", 5: "ab", 6: "abc", 8: "abc", 9: "abc", 12: "abcdefg", 18: "abcdef"}
    parts |= {20: "abc", 23: "ab", 27: "abc"}
    expected = [f"{n}{part}" for n in range(1, 28) for part in parts.get(n, [""])]
    assert [item.number for item in TRIPOD.items] == expected
    assert len(expected) == 52


def test_an_empty_run_folder_leaves_most_items_open(tmp_path):
    card, marked = write_card(tmp_path).read_text(), 0
    for checklist in LISTS:
        whole, partly, still_open = checklist.tally(all_facts(read_run(tmp_path)))
        assert whole == 0
        assert partly <= 2
        assert still_open == len(checklist.items) - partly
        said = f"Of {len(checklist.items)} items this run answers 0, and {partly} in part;"
        assert f"{said} {still_open} are open." in card
        marked += still_open
    assert card.count("| **not known**: a person has to write ") == marked


def test_the_card_holds_a_row_for_every_item(filled):
    card = write_card(filled).read_text()
    claim, tripod = card.split("## CLAIM 2024")[1].split("## TRIPOD+AI")
    for part, checklist in ((claim, CLAIM), (tripod, TRIPOD)):
        rows = [line.split(" | ") for line in part.splitlines() if line.startswith("| ")][2:]
        assert [row[0].removeprefix("| ") for row in rows] == [i.number for i in checklist.items]
        assert {len(row) for row in rows} == {3}
        whole, partly, still_open = checklist.tally(all_facts(read_run(filled)))
        assert sum("**not known**" in row[2] for row in rows) == still_open
        assert sum("**A person has to write**" in row[2] for row in rows) == partly
        assert whole > still_open


def test_answers_are_what_the_files_say(filled):
    claim, tripod = answers(CLAIM, filled), answers(TRIPOD, filled)
    result = read_run(filled).splits["test"]
    assert claim["19"].startswith("kfold: ")
    assert "fold 1 (from 0) of 5; random splits by patient" in claim["19"]
    assert claim["19"] == tripod["12a"]
    assert "no patient id is in two splits" in claim["20"]
    assert (
        claim["22"] == "bit_r50x1; 128 x 128 pixels (width x height), box: annotated, fit: stretch"
    )
    assert claim["23"] == "covid_keras 1.0, commit abc+changes, keras 3.9.0"
    assert claim["24"].startswith("initial weights: random")
    assert claim["25"] == "optimizer lamb, batch 16, steps 240; augmentation: flip True"
    assert "every 60 steps" in claim["26"]
    assert result["intervals"] in claim["29"]
    assert "One run is one seed" in claim["29"]
    assert claim["32"] == "test: 60 images of the same data set; evaluations so far: 4"
    assert claim["33"].startswith("not done")
    assert percent(result["metrics"]["accuracy"]) in claim["37"]
    assert percent(result["per_class"]["COVID-19"]["ppv"]) in claim["38"]
    assert claim["39"] == "test: no misclassified image"
    assert "temperature 0.75, threshold 0.31" in tripod["12f"]
    assert tripod["12g"].endswith("command: evaluate it")
    assert tripod["13"] == "none; metrics are given per class"
    assert "threshold 0.31" in tripod["15"]
    assert tripod["22"].startswith("model.keras")
    assert tripod["23a"].startswith(claim["37"])
    assert {claim[n] for n in ("2", "15", "34", "44")} == {""}
    assert {tripod[n] for n in ("2", "3a", "3c", "18a", "18b", "18c", "18d", "19", "25")} == {""}


@pytest.mark.parametrize(
    ("file", "values", "number", "expected"),
    [
        ("recipe.json", {"seed": 8}, "24", "initial weights: random; seed: 8"),
        ("recipe.json", {"training": {"batch": 2}}, "25", "batch 2; augmentation: flip True"),
        ("recipe.json", {"data": {"dataset": "folder"}}, "16", ""),
        ("recipe.json", {"data": {"dataset": "sars-cov-2-ct"}}, "16", ""),
        ("recipe.json", {"data": {"per_class": 9}}, "10", "at most 9 training images per class"),
        ("environment.json", {"commit": "def"}, "23", "covid_keras 1.0, commit def, keras 3.9.0"),
        ("fingerprint.json", {"stamps": ["IMAGE-LEVEL SPLIT: so"]}, "20", "IMAGE-LEVEL SPLIT: so"),
        (
            "fingerprint.json",
            {"members": ["a", "b"]},
            "27",
            "mean of the probabilities of 2 runs",
        ),
        ("fingerprint.json", {"stamps": []}, "11", ""),
        ("metrics.json", {"splits": {}}, "33", ""),
    ],
)
def test_another_value_in_a_file_is_another_answer(filled, file, values, number, expected):
    assert answers(CLAIM, filled)[number] != expected
    change(filled, file, **values)
    assert answers(CLAIM, filled)[number] == expected


def test_the_data_set_answers_for_its_sources_and_labels(filled):
    change(filled, "recipe.json", data={"dataset": "covid19-ct"})
    change(filled, "fingerprint.json", stamps=[])
    claim = answers(CLAIM, filled)
    card = catalogue.get("covid19-ct")
    assert card.citation in claim["7"]
    assert claim["16"] == card.labelled_by
    assert card.licence in claim["43"]
    assert card.notes in claim["40"]
    assert claim["5"].startswith("retrospective")
    result = read_run(filled).splits["test"]
    change(filled, "metrics.json", splits={"sars-cov-2-ct": result, "test": result})
    claim = answers(CLAIM, filled)
    assert "External test: sars-cov-2-ct: SARS-CoV-2 CT-scan dataset" in claim["7"]
    assert claim["33"] == "sars-cov-2-ct: 60 images"
    assert claim["37"].startswith("test: ")


def test_scores_within_groups_are_told(filled):
    result = read_run(filled).splits["test"]
    part = {"images": 31, "accuracy": result["metrics"]["accuracy"], "macro_auc": None}
    groups = {"sex": {"F": part, "M": part}, "source": {"north": part, "south": part}}
    assert answers(TRIPOD, filled)["12d"] == "not done"
    change(filled, "fingerprint.json", stamps=[])
    change(filled, "metrics.json", splits={"test": result | {"groups": groups}})
    tripod = answers(TRIPOD, filled)
    assert tripod["12d"] == "scores within each source"
    assert tripod["20b"] == "test images by sex: F 31, M 31; source: north 31, south 31"
    assert "source north: 31 images" in tripod["23b"]
    assert "sex" not in tripod["23b"]
    assert "sex F: 31 images" in tripod["23a"]


def test_images_taken_for_another_class_are_counted(filled):
    result = read_run(filled).splits["test"] | {"confusion_matrix": [[25, 1], [4, 30]]}
    change(filled, "metrics.json", splits={"test": result})
    expected = "test: 1 of 26 a<b predicted as COVID-19, 4 of 34 COVID-19 predicted as a<b"
    assert answers(CLAIM, filled)["39"] == expected


def test_a_phantom_has_no_patients(filled):
    claim, tripod = answers(CLAIM, filled), answers(TRIPOD, filled)
    stamp = "PHANTOM: synthetic"
    assert {claim[n] for n in ("5", "8", "11", "13", "18", "36")} == {stamp}
    assert {tripod[n] for n in ("5b", "6a", "6b", "6c", "8c", "17", "20b")} == {stamp}
    assert "phantom-ct" in claim["7"]
    assert claim["16"] == "construction"
