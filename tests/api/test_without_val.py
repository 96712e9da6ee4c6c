"""A run without val, from training to card: threshold 0.5, no temperature, no figures of val."""

import json

import made_images
import numpy as np
import pytest
import tiny

import covid_keras
from covid_keras.runs.run import Run
from covid_keras.utils.errors import InputError

SETTINGS = tiny.SETTINGS | {"data.val": 0, "training.keep": "last", "training.gradcam": 1}


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> list[Run]:
    folder = tmp_path_factory.mktemp("without_val")
    records = made_images.dark_and_bright(folder / "images")
    records[["image", "label", "patient"]].to_csv(folder / "images/labels.csv", index=False)
    given = {"data": folder / "images", "dataset": "folder", "settings": SETTINGS}
    trained = covid_keras.train("ct-bit", out=folder / "runs", seeds=[0, 1], **given)
    covid_keras.evaluate(trained)
    return trained.members


def test_training_writes_nothing_of_val(runs):
    for run in runs:
        assert not run.predictions_file("val").exists()
        assert not list(run.gradcam.glob("step_*")), "drawn of images of val"


def test_the_threshold_is_a_half_and_nothing_is_fitted(runs):
    metrics = json.loads(runs[0].metrics_file.read_text())
    assert metrics["operating_point"] is None
    test = metrics["splits"]["test"]
    assert not {"at_threshold", "calibration", "patient_level"} & set(test)
    table = covid_keras.predict(runs[0], runs[0].data_root())
    sides = np.where(table["dark"] > 0.5, "dark", "bright")
    assert (table["predicted"] == sides).all()
    assert not list(runs[0].figures.glob("reliability*")) + list(runs[0].figures.glob("*_val*"))
    drawn = (runs[0].figures / "learning_curves.svg").read_text()
    assert ">train<" in drawn and ">val<" not in drawn and "on val" not in drawn


def test_pages_say_which_step_and_miss_nothing(runs):
    covid_keras.explain(runs[0], count=1)
    for page in covid_keras.report(runs[0]):
        text = page.read_text(encoding="utf-8")
        assert "weights of the last step, 12 (training.keep=last)" in text
        assert "predictions_val" not in text and "fitted on val" not in text


def test_val_cannot_be_evaluated_or_compared(runs):
    with pytest.raises(InputError, match=r"split: expected one that .* has\. Received: val"):
        covid_keras.evaluate(runs[0], split="val")
    with pytest.raises(InputError, match="expected predictions of val"):
        covid_keras.compare(*runs, split="val")


def test_compare_and_ensemble_take_test_alone(runs, tmp_path):
    assert "test: " in str(covid_keras.compare(*runs))
    both = covid_keras.ensemble(runs, tmp_path / "both")
    assert both.predicted() == ["test"]
    assert all(page.exists() for page in covid_keras.report(both))
