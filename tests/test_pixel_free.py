"""The rule that reads no pixel, beside a network: it is the audit's own, on the run's split."""

import shutil

import numpy as np
import pandas as pd
import pytest
import tiny
from test_audit import right_in_docs

from covid_keras import recipes, runs
from covid_keras.audit import baselines, inventory, scan
from covid_keras.audit.pixel_free import write_rule
from covid_keras.data import catalogue, load_records
from covid_keras.evaluation import read_predictions, tables, write_predictions
from covid_keras.report.measure import measure
from covid_keras.runs import RunFolder


def started(folder, dataset, root, records) -> RunFolder:
    """A run folder as `train` starts it, without the training."""
    recipe = recipes.configured("ct-bit", {"data.dataset": dataset}, [])
    classes = catalogue.get(dataset).classes or tuple(sorted(set(records["label"])))
    runs.create(folder, recipe, records, classes, root)
    return RunFolder(folder)


def test_on_real_images_it_is_the_audits_rule(shared_data, tmp_path):
    root = shared_data / "covid19_ct"
    records = load_records("covid19-ct", root)
    run = started(tmp_path / "run", "covid19-ct", root, records)
    write_rule(run)
    found = read_predictions(run.pixel_free.predictions_file("test"))
    right = int((found.predicted == found.labels).sum())
    assert right_in_docs("COVID19-CT") == (pytest.approx(right, abs=6), len(found.labels))
    looked = scan.scan(records["image"].tolist(), root, tmp_path / "scan")
    kept = records["split"].isin(("train", "test")).to_numpy()
    none = pd.DataFrame(index=range(kept.sum()))
    rows = records[kept].reset_index(drop=True)
    table = inventory.properties(rows, none, looked.table[kept].reset_index(drop=True))
    theirs = baselines.metadata_baselines(table, rows, run.classes())[-1]
    assert (theirs.name, theirs.right) == ("all of these", right)


@pytest.fixture
def run(tmp_path) -> RunFolder:
    records = tiny.write_images(tmp_path / "scans", count=80)
    return started(tmp_path / "run", "folder", tmp_path / "scans", records)


def predict(run: RunFolder, share: float) -> None:
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
    write_rule(run)
    predict(run, 0.9)
    said = measure(run)
    beside, network = said["pixel_free"], said["splits"]["test"]["metrics"]
    assert beside["columns"] == ["bytes"]  # all that differs between these files
    for name in ("accuracy", "macro_auc"):
        lead = network[name]["value"] - beside[name]["value"]
        assert beside[name]["change"] == pytest.approx(lead)
        assert beside[name]["change_low"] <= lead <= beside[name]["change_high"]
    better = {"macro_auc": beside["macro_auc"] | {"change_low": 0.01}}
    assert len(tables.pixel_free_lines(beside | better)) == 1
    worse = {"macro_auc": beside["macro_auc"] | {"change_low": -0.01}}
    assert "not shown to be better" in tables.pixel_free_lines(beside | worse)[1]


def test_where_nothing_differs_there_is_no_rule(run, tmp_path):
    first, *others = sorted((tmp_path / "scans").glob("*.png"))
    for other in others:
        shutil.copy(first, other)
    write_rule(run)
    assert not run.pixel_free.path.exists()
    predict(run, 0.9)
    assert measure(run)["pixel_free"] is None


def test_it_never_sees_val(run):
    write_rule(run)
    test = pd.read_csv(run.pixel_free.predictions_file("test"))
    records = run.split()
    assert set(test["image"]) == set(records.loc[records["split"] == "test", "image"])
    before = test[list(run.classes())].to_numpy()
    records.loc[records["split"] == "val", "label"] = run.classes()[0]
    records.to_csv(run.split_file, index=False)
    write_rule(run)
    after = pd.read_csv(run.pixel_free.predictions_file("test"))[list(run.classes())]
    assert (before == after.to_numpy()).all()
