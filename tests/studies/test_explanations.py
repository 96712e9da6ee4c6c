"""All methods on several runs: one table."""

import cv2
import numpy as np
import pandas as pd
import pytest
import tiny
from made_images import CLASSES, dark_and_bright

from covid_keras.metrics.faithfulness import FAITHFULNESS
from covid_keras.runs.maps_file import read_maps
from covid_keras.runs.run import create
from covid_keras.studies.explanations import Images, agreements, measure, write_tables
from covid_keras.training import fit

METHODS = ["gradcam", "occlusion"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Runs of two seeds, and masks of their test images: the upper half."""
    folder = tmp_path_factory.mktemp("study")
    records, runs = dark_and_bright(folder / "images"), []
    for seed, name in enumerate("ab"):
        recipe = tiny.replace_seed(tiny.recipe(), seed)
        runs.append(create(folder / name, recipe, records, CLASSES, folder / "images"))
        fit.train(runs[-1])
    for image in runs[0].split("test")["image"]:
        mask = np.zeros(cv2.imread(str(folder / "images" / image), 0).shape, np.uint8)
        mask[: len(mask) // 2] = 255
        file = (folder / "masks" / image).with_suffix(".png")
        file.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(file), mask)
    return runs


@pytest.mark.slow
def test_the_table_has_a_row_for_each_run_and_map(runs, tmp_path):
    images = Images(runs[0].path.parent / "masks", faithful=2, sanity=3)
    scores = {run.path.name: measure(run, images, METHODS) for run in runs}
    assert set(FAITHFULNESS) | {"noise", "random"} < set(scores["a"]["gradcam"])
    assert "noise" not in scores["a"]["centre"]
    assert set(read_maps(runs[0])["sanity"]) == set(METHODS)
    alike = [*agreements(runs, [], images, METHODS)]
    assert [(each["method"], each["kind"]) for each in alike] == [(m, "seeds") for m in METHODS]
    text = write_tables(tmp_path, scores, alike)
    assert text == (tmp_path / "table.md").read_text()
    assert text.count("| a ") == text.count("| b ") == 5  # two methods and three references
    table = pd.read_csv(tmp_path / "table.csv")
    one = table.query("run == 'a' and map == 'gradcam' and score == 'mass'").iloc[0]
    assert one["value"] == scores["a"]["gradcam"]["mass"]["value"]
    assert one["low"] < one["value"] < one["high"]


def test_only_seeds_and_random_labels_are_paired(runs):
    images = Images(runs[0].path.parent / "masks", sanity=2)
    kinds = [each["kind"] for each in agreements(runs[:1], runs[1:], images, ["gradcam"])]
    assert kinds == ["random labels"]
    assert not [*agreements(runs[:1], [], images, ["gradcam"])]
    assert not [*agreements([runs[0], runs[0]], [], images, ["gradcam"])]


def test_a_layer_is_for_the_methods_of_a_feature_map(runs):
    images = Images(runs[0].path.parent / "masks", layer="stem")
    assert {"gradcam at stem", "occlusion"} < set(measure(runs[0], images, METHODS))
