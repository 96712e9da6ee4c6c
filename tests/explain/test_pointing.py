"""The pointing game on made maps, and on a run with masks."""

import cv2
import numpy as np
import pytest
import tiny

import covid_keras
from covid_keras.explain.pointing import score, sentence
from covid_keras.training import fit
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import read_json


def test_score_of_made_maps():
    maps, masks = np.zeros((4, 3, 3)), np.zeros((4, 3, 3), bool)
    maps[:, 0, 2] = 1
    masks[:3, 0, 2] = True  # hit three times of four
    masks[3, 1, 1] = True
    game = score(maps, masks, np.arange(4))
    assert (game["images"], game["map"]["value"], game["centre"]) == (4, 0.75, 0.25)
    assert game["area"] == pytest.approx(1 / 9)
    assert game["map"]["low"] < 0.75 < game["map"]["high"]


def test_images_of_one_patient_count_as_one():
    maps, masks = np.zeros((8, 2, 2)), np.zeros((8, 2, 2), bool)
    masks[:4, 0, 0] = True
    masks[4:, 1, 1] = True
    wide, narrow = (
        score(maps, masks, patients)["map"] for patients in (np.arange(8) // 4, np.arange(8))
    )
    assert wide["high"] - wide["low"] > narrow["high"] - narrow["low"]


def test_sentence():
    found = {"value": 0.5, "low": 0.25, "high": 0.75}
    said = sentence({"images": 10, "map": found, "centre": 0.0, "area": 0.125})
    assert said == (
        "pointing game, 10 test images with disease: the map's maximum is on it in 50.0 %"
        " [25.0, 75.0]; the image's centre in 0.0 %, a random point in 12.5 %"
    )


@pytest.fixture
def run(tmp_path):
    run = tiny.start_run(tmp_path)
    fit.train(run)
    return run


def test_a_run_with_masks(run, tmp_path, capsys):
    records = run.split("test")
    first = cv2.imread(str(run.data_root() / records["image"].iloc[0]), cv2.IMREAD_GRAYSCALE)
    mask = np.zeros(first.shape, "uint8")
    mask[: first.shape[0] // 2] = 255
    (tmp_path / "masks").mkdir()
    for image in records["image"].iloc[:2]:
        name = image.rsplit("/", 1)[-1].rsplit(".", 1)[0]
        cv2.imwrite(str(tmp_path / "masks" / f"{name}.png"), mask)
    covid_keras.explain(run, masks=tmp_path / "masks", count=1)
    game = read_json(run.gradcam / "pointing.json")
    assert game["images"] == 2 and game["area"] == pytest.approx(0.5, abs=0.1)
    assert sentence(game) in capsys.readouterr().out


def test_masks_of_other_images_are_refused(run, tmp_path):
    (tmp_path / "masks").mkdir()
    with pytest.raises(InputError, match="expected masks named like the images"):
        covid_keras.explain(run, masks=tmp_path / "masks", count=1)
