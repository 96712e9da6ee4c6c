"""What images of a run are compared with, learned from its own images."""

import logging

import numpy as np
import pytest
from chests import run_on_chests

from covid_keras.evaluation import input_check
from covid_keras.evaluation.input_check import fit_input_check
from covid_keras.images.appearance import TURNED
from covid_keras.metrics.input_check import looks_of
from covid_keras.runs.inference import features
from covid_keras.runs.input_check_file import read_input_check


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    run, trained = run_on_chests(tmp_path_factory.mktemp("check"), 120)
    fit_input_check(run, trained)
    return run, trained


def test_the_runs_images_are_as_usual_and_turned_ones_are_not(made):
    run, trained = made
    check, records = read_input_check(run.path), run.split("val")
    assert check.images == len(records) == 30
    samples = trained.samples(records, run.data_root())
    values, sizes = features(trained, samples), [(72, 72)] * len(samples)
    pixels = [samples.read(row) for row in range(len(samples))]
    usual = check.findings(looks_of(pixels, sizes, values))
    assert np.mean([bool(each.reasons) for each in usual]) == check.false_alarms <= 0.05
    turned = [TURNED["upside down"](image) for image in pixels]
    found = check.findings(looks_of(turned, sizes, values))
    assert np.mean(["looks upside down" in each.reasons for each in found]) > 0.9


def test_few_images_give_no_input_check(tmp_path, caplog):
    run, trained = run_on_chests(tmp_path, 40)
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
