"""The summary of folds and seeds: means, and the answers of all folds as one set."""

import json

import numpy as np
import pytest
from made_folds import answers, make_folds, make_seeds
from metrics_schema import VALIDATOR
from sklearn.metrics import roc_auc_score

from covid_keras.evaluation.matched_test import match_test, matched_scores
from covid_keras.evaluation.members import measure_members
from covid_keras.evaluation.out_of_fold import out_of_fold
from covid_keras.metrics import operating_point
from covid_keras.metrics.claims import parse
from covid_keras.metrics.results import Metrics
from covid_keras.runs.metrics_file import read_metrics
from covid_keras.runs.predictions_file import read_predictions
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import read_json, write_json


@pytest.fixture
def folds(tmp_path):
    return make_folds(tmp_path / "folds")


def test_all_answers_of_folds_are_one_set(folds):
    result = measure_members(folds)["splits"]["test"]
    whole, pooled = answers(), result["pooled"]
    correct = (whole.predicted == whole.labels).mean()
    assert pooled["metrics"]["accuracy"]["value"] == pytest.approx(correct)
    assert (pooled["images"], pooled["patients"], pooled["folds"]) == (240, 60, 3)
    assert pooled["metrics"]["accuracy"]["method"].startswith("60 patients")
    assert pooled["patient_level"]["patients"] == 60
    assert {*pooled["groups"]["source"]} == {"north", "south"}
    each = [run["accuracy"] for run in result["runs"].values()]
    spread = result["metrics"]["accuracy"]
    assert spread["value"] == pytest.approx(np.mean(each))
    assert (spread["low"], spread["high"]) == (min(each), max(each))
    assert spread["std"] == pytest.approx(np.std(each, ddof=1))


def test_the_auc_of_folds_is_the_mean_of_theirs_by_their_size(folds):
    result = measure_members(folds)["splits"]["test"]
    each = []
    for run in folds.members:
        part = read_predictions(run.predictions_file("test"))
        each.append(roc_auc_score(part.labels, part.probabilities[:, 1]))
    assert result["pooled"]["metrics"]["macro_auc"]["value"] == pytest.approx(
        np.mean(each), abs=1e-3
    )


def test_each_fold_is_moved_by_its_own_operating_point(folds):
    moved = out_of_fold(folds.members).moved()
    parts = []
    for run in folds.members:
        val, test = (read_predictions(run.predictions_file(name)) for name in ("val", "test"))
        threshold = operating_point.fit(val).threshold
        parts.append(test.probabilities[:, 1] > threshold)
    np.testing.assert_array_equal(moved.decided.predicted == 1, np.concatenate(parts))


def test_the_metadata_baseline_is_of_all_folds(folds):
    metrics = measure_members(folds)
    baseline = metrics["metadata_baseline"]
    assert baseline["images"] == 240 and baseline["columns"] == ["width", "height"]
    assert baseline["macro_auc"]["lead_low"] > 0
    (folds.members[1].metadata_baseline.predictions_file("test")).unlink()
    assert measure_members(folds)["metadata_baseline"] is None


def test_the_file_holds_to_its_schema_and_is_read_back(folds):
    measure_members(folds)
    VALIDATOR.validate(json.loads(folds.metrics_file.read_text()))
    assert read_metrics(folds.metrics_file)["splits"]["test"]["pooled"]["folds"] == 3
    joined = read_predictions(folds.predictions_file("test"))
    assert set(joined.folds) == {"0", "1", "2"} and len(joined.labels) == 240


def test_folds_that_were_not_evaluated_are_named(tmp_path):
    folds = make_folds(tmp_path, folds=2, of=4)
    folds.members[1].metrics_file.unlink()
    metrics = measure_members(folds)
    assert metrics["unfinished"] == ["fold_1", "fold_2", "fold_3"]
    assert metrics["splits"]["test"]["pooled"]["images"] == 64
    folds.members[0].metrics_file.unlink()
    with pytest.raises(InputError, match="expected an evaluated run in it"):
        measure_members(folds)


def test_seeds_have_a_mean_only(tmp_path):
    seeds = make_seeds(tmp_path)
    metrics = measure_members(seeds)
    result = metrics["splits"]["test"]
    assert "pooled" not in result and result["images"] == 480
    assert not seeds.predictions_file("test").exists()
    VALIDATOR.validate(json.loads(seeds.metrics_file.read_text()))
    assert "240 images by each of 2 runs" in str(Metrics.of_set(metrics, "test"))


def add_shortcuts(run, auc: float, half: float = 0.1, control: str = "coin") -> None:
    """Give a run probes of a source and a coin, and the matched test."""
    match_test(run, ["source"])
    area = {"value": auc, "low": auc - half, "high": auc + half, "method": "60 patients"}
    lead = dict.fromkeys(("lead", "lead_low", "lead_high"))
    probed = {"values": {"north": 20}, "auc": area | lead, "from_metadata": None}
    attributes = {"source": probed | {"from_class": area}, "coin": probed | {"from_class": None}}
    probes = {"images": 80, "attributes": attributes, "left_out": {}, "negative_control": control}
    predictions = read_predictions(run.predictions_file("test"))
    found = {"probes": probes, "matched": matched_scores(run, predictions)}
    write_json(run.metrics_file, read_json(run.metrics_file) | found)


def test_probes_have_a_mean_with_the_bounds_of_all_runs(folds):
    for run, auc in zip(folds.members, (0.7, 0.8, 0.9), strict=True):
        add_shortcuts(run, auc)
    metrics = measure_members(folds)
    VALIDATOR.validate(json.loads(folds.metrics_file.read_text()))
    probes = metrics["probes"]
    area = probes["attributes"]["source"]["auc"]
    assert [area[key] for key in ("value", "low", "high")] == pytest.approx([0.8, 0.6, 1.0])
    assert probes["attributes"]["source"]["values"] == {"north": 60}
    assert (probes["negative_control"], probes["runs"], probes["images"]) == ("coin", 3, 240)
    said = [sentence["text"] for sentence in Metrics.of_set(metrics, "test")["verdict"]]
    start = "The features of 3 runs tell source (AUC 80.0 % [60.0, 100])"
    assert any(text.startswith(start) for text in said)
    add_shortcuts(folds.members[0], auc=0.55)  # its own interval holds chance
    text = " ".join(s["text"] for s in Metrics.of_set(measure_members(folds), "test")["verdict"])
    assert "The features of 3 runs are not all shown to tell source" in text


def test_probes_that_one_run_lacks_are_left_out(folds):
    for run in folds.members[1:]:
        add_shortcuts(run, auc=0.7)
    assert not {"probes", "matched"} & {*measure_members(folds)}


def test_the_matched_test_of_folds_is_of_pairs_within_each(folds):
    for run in folds.members:
        add_shortcuts(run, auc=0.7)
    (found,) = measure_members(folds)["matched"]["classes"].values()
    fold = {image: run.path for run in folds.members for image in run.split("test")["image"]}
    (kept,) = read_json(folds.shortcuts / "matched.json")["classes"].values()
    assert found["pairs"] == len(kept["pairs"]) >= 60
    assert all(fold[one] == fold[other] for one, other in kept["pairs"])
    assert [*found["differences"]] == ["source"]
    whole = measure_members(folds)["splits"]["test"]["pooled"]["metrics"]["macro_auc"]
    assert found["all"]["value"] == pytest.approx(whole["value"])
    assert found["auc"]["method"].startswith("60 patients") or found["auc"]["low"] is not None


def test_the_matched_test_of_seeds_is_their_mean(tmp_path):
    seeds = make_seeds(tmp_path)
    for run in seeds.members:
        add_shortcuts(run, auc=0.7)
    found = measure_members(seeds)["matched"]
    each = [read_metrics(run.metrics_file)["matched"]["classes"] for run in seeds.members]
    (label,) = found["classes"]
    areas = [classes[label]["auc"] for classes in each]
    joined = found["classes"][label]["auc"]
    assert joined["value"] == pytest.approx(np.mean([area["value"] for area in areas]))
    assert joined["low"] == min(area["low"] for area in areas) and found["runs"] == 2
    text = " ".join(s["text"] for s in Metrics.of_set(measure_members(seeds), "test")["verdict"])
    assert "On test images that match in source the AUC of 2 runs is" in text


def test_an_external_set_takes_the_stamp_away(folds):
    run = folds.members[0]
    content = read_json(run.metrics_file)
    content["splits"]["hospital"] = content["splits"]["test"]
    write_json(run.metrics_file, content)
    metrics = measure_members(folds)
    assert "NO EXTERNAL TEST" not in metrics["stamps"]
    assert [*metrics["splits"]["hospital"]["runs"]] == ["fold_0"]


def test_claims_are_judged_again(folds):
    claims = {"test": [parse("pooled.patient_level.accuracy.low > 0.5"), parse("auc.low > 0.99")]}
    first = measure_members(folds, claims)["splits"]["test"]["claims"]
    assert [claim["holds"] for claim in first] == [True, False]
    assert measure_members(folds)["splits"]["test"]["claims"] == first
    assert measure_members(folds, {"test": []})["splits"]["test"]["claims"] == []
