"""What images of a run are compared with, learned from its own images."""

import logging

import numpy as np
import pytest
import tiny
from chests import chests
from made_images import CLASSES, write_labelled

from covid_keras.evaluation import input_check
from covid_keras.evaluation.input_check import fit_input_check, looks_of
from covid_keras.images.appearance import TURNED
from covid_keras.runs import run as run_folder
from covid_keras.runs.inference import features, load_trained
from covid_keras.runs.input_check_file import read_input_check
from covid_keras.training import fit


def a_run(folder, count):
    """A finished run on images of chests, a quarter of them in val."""
    rows = [
        {
            "image": f"{number:03}.png",
            "label": CLASSES[number % 2],
            "patient": str(number),
            "split": "val" if number % 4 == 0 else "train",
            "source": "made",
            "pixels": image,
        }
        for number, image in enumerate(chests(count))
    ]
    records = write_labelled(folder / "images", rows)
    recipe = tiny.recipe(input_resize=64, input_crop=64, training_steps=4)
    run = run_folder.create(folder / "run", recipe, records, CLASSES, folder / "images")
    fit.train(run)
    return run, load_trained(run.path)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    run, trained = a_run(tmp_path_factory.mktemp("check"), 120)
    fit_input_check(run, trained)
    return run, trained


def test_the_runs_images_are_as_usual_and_turned_ones_are_not(made):
    run, trained = made
    check, records = read_input_check(run.path), run.split("val")
    assert check.images == len(records) == 30
    samples = trained.samples(records, run.data_root())
    rows, values = list(range(len(samples))), features(trained, samples)
    pixels = np.stack([samples.read(row) for row in rows])
    usual = check.findings(looks_of(samples, rows, pixels, values))
    assert np.mean([bool(each.reasons) for each in usual]) == check.false_alarms <= 0.05
    turned = np.stack([TURNED["upside down"](image) for image in pixels])
    found = check.findings(looks_of(samples, rows, turned, values))
    assert np.mean(["looks upside down" in each.reasons for each in found]) > 0.9


def test_few_images_give_no_input_check(tmp_path, caplog):
    run, trained = a_run(tmp_path, 40)
    with caplog.at_level(logging.INFO):
        fit_input_check(run, trained)
    assert "no input check for predict: expected 20 images of train and of val. Received: 10" in (
        caplog.text
    )
    assert read_input_check(run.path) is None


def test_of_many_images_some_are_read(made, monkeypatch):
    run, trained = made
    monkeypatch.setattr(input_check, "MOST", 25)
    fit_input_check(run, trained)
    assert read_input_check(run.path).images == 25
