"""Which test images are kept to look at, and what is kept of them."""

import numpy as np
import tiny
from made_predictions import make
from PIL import Image

from covid_keras.explain.cases import COUNT, choose, keep_cases, small
from covid_keras.explain.maps import Explainer
from covid_keras.runs.explained import read_cases
from covid_keras.runs.inference import load_trained
from covid_keras.runs.predictions_file import read_predictions, write_predictions
from covid_keras.training import fit


def test_the_most_wrong_the_least_certain_and_some_right_ones_are_chosen():
    right = np.array([0.99, 0.9, 0.8, 0.7, 0.6, 0.51, 0.35, 0.3, 0.2, 0.1])
    predictions = make(np.zeros(10, int), np.stack([right, 1 - right], axis=1), None, ("a", "b"))
    chosen = choose(predictions)
    by_kind = {kind: [row for found, row in chosen if found == kind] for kind in COUNT}
    assert by_kind == {"wrong": [9, 8, 7], "doubtful": [5, 4], "right": [0, 3]}


def test_no_image_is_chosen_twice_and_few_are_enough():
    predictions = make([0, 1], [[0.6, 0.4], [0.7, 0.3]], None, ("a", "b"))
    assert sorted(choose(predictions)) == [("doubtful", 0), ("wrong", 1)]


def test_images_are_made_smaller_not_larger():
    assert small(np.zeros((512, 1024, 3), np.uint8)).shape == (256, 512, 3)
    assert small(np.zeros((64, 32, 3), np.uint8)).shape == (64, 32, 3)


def test_cases_are_kept_with_their_maps(tmp_path):
    run = tiny.start_run(tmp_path)
    fit.train(run)
    trained = load_trained(run.path)
    keep_cases(run, trained, Explainer(trained.network))
    assert read_cases(run) == [], "test was not predicted"
    test = run.split("test")
    outputs = np.tile([0.9, 0.1], (len(test), 1))
    write_predictions(run.predictions_file("test"), test, outputs, trained.classes)
    keep_cases(run, trained, Explainer(trained.network))
    cases, predictions = read_cases(run), read_predictions(run.predictions_file("test"))
    assert cases
    height, width = trained.samples(test, run.data_root()).shape
    for case in cases:
        row = predictions.table.iloc[case.row - 1]
        assert case.label == row["label"] and case.has_map
        assert Image.open(run.explained / case.file).size == (2 * width, height)
    keep_cases(run, trained, None)
    assert Image.open(run.explained / read_cases(run)[0].file).size == (width, height)
