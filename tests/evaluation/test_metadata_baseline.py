"""The metadata baseline of a run: the same as the audit's, on the run's split."""

import cv2
import made_images
import numpy as np
import pandas as pd
import pytest
from audit_docs import right_in_docs

from covid_keras import recipes
from covid_keras.audit import scan
from covid_keras.datasets import catalogue
from covid_keras.datasets.records import load_records
from covid_keras.evaluation import baselines
from covid_keras.evaluation.baselines import properties, write_metadata_baseline
from covid_keras.evaluation.run_metrics import measure_run
from covid_keras.metrics import sentences
from covid_keras.runs import run as run_folder
from covid_keras.runs.predictions_file import read_predictions, write_predictions
from covid_keras.runs.run import Run


def started(folder, dataset, root, records) -> Run:
    """A run folder as `train` starts it, without the training."""
    recipe = recipes.configured("ct-bit", {"data.dataset": dataset})
    classes = catalogue.get(dataset).classes or tuple(sorted(set(records["label"])))
    run_folder.create(folder, recipe, records, classes, root)
    return Run(folder)


def test_on_real_images_it_is_the_audits_rule(shared_data, tmp_path):
    root = shared_data / "covid19_ct"
    records = load_records("covid19-ct", root)
    run = started(tmp_path / "run", "covid19-ct", root, records)
    write_metadata_baseline(run)
    found = read_predictions(run.metadata_baseline.predictions_file("test"))
    right = int((found.predicted == found.labels).sum())
    assert right_in_docs("COVID19-CT") == (pytest.approx(right, abs=6), len(found.labels))
    looked = scan.scan(records["image"].tolist(), root, tmp_path / "scan")
    kept = records["split"].isin(("train", "test")).to_numpy()
    none = pd.DataFrame(index=range(kept.sum()))
    rows = records[kept].reset_index(drop=True)
    table = properties(rows, none, looked.table[kept].reset_index(drop=True))
    rules = baselines.metadata_baselines(table, rows, run.classes())
    assert right == next(rule.correct for rule in rules if rule.name == "all metadata")


@pytest.fixture
def run(tmp_path) -> Run:
    """Every third image is wider than the others."""
    records = made_images.dark_and_bright(tmp_path / "scans", count=80, wide=True)
    return started(tmp_path / "run", "folder", tmp_path / "scans", records)


def predict(run: Run, share: float) -> None:
    """Predictions of a network that is right in about this share of the test images."""
    records = run.split()
    test = records[records["split"] == "test"]
    right = np.random.default_rng(0).random(len(test)) < share
    first = (test["label"] == run.classes()[0]).to_numpy() == right
    outputs = np.stack([np.where(first, 0.9, 0.1), np.where(first, 0.1, 0.9)], axis=1)
    write_predictions(run.predictions_file("test"), test, outputs, run.classes())
    (run.path / "log.csv").write_text(
        "step,learning_rate,loss,accuracy,val_loss,val_accuracy\n1,1,1,1,1,1\n"
    )


def test_what_the_network_has_more_is_the_difference_of_both(run):
    write_metadata_baseline(run)
    predict(run, 0.9)
    said = measure_run(run)
    beside, network = said["metadata_baseline"], said["splits"]["test"]["metrics"]
    assert beside["columns"] == ["width", "aspect"]
    for name in ("accuracy", "macro_auc"):
        lead = network[name]["value"] - beside[name]["value"]
        assert beside[name]["lead"] == pytest.approx(lead)
        assert beside[name]["lead_low"] <= lead <= beside[name]["lead_high"]
    better = {"macro_auc": beside["macro_auc"] | {"lead_low": 0.01}}
    assert len(sentences.baseline_lines(beside | better)) == 1
    worse = {"macro_auc": beside["macro_auc"] | {"lead_low": -0.01}}
    assert (
        "not shown to be better than the metadata baseline"
        in sentences.baseline_lines(beside | worse)[1]
    )


def test_the_length_of_a_compressed_picture_is_no_property_beside_its_pixels(run, tmp_path):
    files = sorted((tmp_path / "scans").glob("*.png"))
    for file in files:
        cv2.imwrite(str(file), cv2.resize(cv2.imread(str(file), 0), (28, 24)))
    assert len({file.stat().st_size for file in files}) > 1
    write_metadata_baseline(run)
    assert not run.metadata_baseline.path.exists()
    predict(run, 0.9)
    assert measure_run(run)["metadata_baseline"] is None


def test_it_reads_the_columns_of_any_csv(tmp_path):
    records = made_images.dark_and_bright(tmp_path / "scans", count=80)
    file = tmp_path / "scans" / "mine.csv"
    records.assign(ward=records["label"].map({"dark": "a", "bright": "b"})).to_csv(file)
    run = started(tmp_path / "run", "folder", file, records)
    assert run.data_root() == tmp_path / "scans"
    write_metadata_baseline(run)
    found = read_predictions(run.metadata_baseline.predictions_file("test"))
    assert (found.predicted == found.labels).all()


def test_it_never_sees_val(run):
    write_metadata_baseline(run)
    test = pd.read_csv(run.metadata_baseline.predictions_file("test"))
    records = run.split()
    assert set(test["image"]) == set(records.loc[records["split"] == "test", "image"])
    before = test[list(run.classes())].to_numpy()
    records.loc[records["split"] == "val", "label"] = run.classes()[0]
    records.to_csv(run.split_file, index=False)
    write_metadata_baseline(run)
    after = pd.read_csv(run.metadata_baseline.predictions_file("test"))[list(run.classes())]
    assert (before == after.to_numpy()).all()


def test_a_class_that_train_does_not_have_is_never_said():
    """As where a network knows a class that the data at hand do not have."""
    labels = list("ab" * 20 + "aba")
    records = pd.DataFrame({"split": ["train"] * 40 + ["test"] * 3, "label": labels})
    table = pd.DataFrame({"width": np.arange(43.0) % 2})
    outputs = baselines.fitted_probabilities(table, records, ("a", "c", "b"))
    assert outputs.shape == (3, 3) and not outputs[:, 1].any()
    assert outputs.sum(axis=1) == pytest.approx(np.ones(3))
    assert (outputs.argmax(axis=1) == [0, 2, 0]).all()
