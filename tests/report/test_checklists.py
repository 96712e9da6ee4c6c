"""The checklists: every published item, answered from the files of a run."""

import pytest
from made_runs import change

from covid_keras.datasets import catalogue
from covid_keras.metrics.sentences import percent
from covid_keras.report.checklists import CLAIM, LISTS, TRIPOD
from covid_keras.report.checklists.facts import all_facts
from covid_keras.report.run_pages import write_card
from covid_keras.report.run_summary import read_run


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


def test_answers_are_what_the_files_say(filled):
    claim, tripod = answers(CLAIM, filled), answers(TRIPOD, filled)
    result = read_run(filled).results["test"]
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
    assert claim["26"] == (
        "weights of step 180 of 240, with the highest accuracy on val, 0.750; evaluated on val"
        " every 60 steps; test is not used"
    )
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
        (
            "recipe.json",
            {"data": {"dataset": "phantom-ct", "per_class": 9}},
            "10",
            "at most 9 training images per class",
        ),
        ("environment.json", {"commit": "def"}, "23", "covid_keras 1.0, commit def, keras 3.9.0"),
        ("fingerprint.json", {"stamps": ["IMAGE-LEVEL SPLIT: so"]}, "20", "IMAGE-LEVEL SPLIT: so"),
        ("fingerprint.json", {"members": ["a", "b"]}, "27", "mean of the probabilities of 2 runs"),
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
    result = read_run(filled).results["test"]
    change(filled, "metrics.json", splits={"sars-cov-2-ct": result, "test": result})
    claim = answers(CLAIM, filled)
    assert "External test: sars-cov-2-ct: SARS-CoV-2 CT-scan dataset" in claim["7"]
    assert claim["33"] == "sars-cov-2-ct: 60 images"
    assert claim["37"].startswith("test: ")


def test_scores_within_groups_are_told(filled):
    result = read_run(filled).results["test"]
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
    result = read_run(filled).results["test"] | {"confusion_matrix": [[25, 1], [4, 30]]}
    change(filled, "metrics.json", splits={"test": result})
    expected = "test: 1 of 26 a<b predicted as COVID-19, 4 of 34 COVID-19 predicted as a<b"
    assert answers(CLAIM, filled)["39"] == expected


def test_a_phantom_has_no_patients(filled):
    claim, tripod = answers(CLAIM, filled), answers(TRIPOD, filled)
    stamp = "PHANTOM: synthetic"
    assert {claim[n] for n in ("5", "8", "11", "13", "18", "36")} == {stamp}
    assert {tripod[n] for n in ("5b", "6a", "6b", "6c", "8c", "17", "20b")} == {stamp}
    assert "phantom-ct" in claim["7"]
    assert claim["16"] == "the program that draws the images"


def test_every_fact_is_used(tmp_path):
    known = set(all_facts(read_run(tmp_path)))
    named = {name for checklist in LISTS for item in checklist.items for name in item.facts}
    assert named <= known
    assert known - named == {"initial_weights", "input"}, "these two are in the card"
