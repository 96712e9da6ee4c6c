"""Images that are unlike those that the network was trained on."""

import logging

import numpy as np
import pandas as pd
import pytest
from chests import chests, run_on_chests
from made_images import write_images

from covid_keras.evaluation.input_check import fit_input_check
from covid_keras.export.export import export
from covid_keras.images.appearance import TURNED
from covid_keras.predict.predict import predict
from covid_keras.runs.input_check_file import FILE


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    run, trained = run_on_chests(tmp_path_factory.mktemp("unlike"), 120)
    fit_input_check(run, trained)
    return run


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """An image as in the training, three turned ones, one of noise and a plain one."""
    (usual, other, *_) = chests(3, seed=5)
    turned = {f"{name}.png": TURNED[name](other) for name in ("inverted", "upside down")}
    noise = np.random.default_rng(0).integers(0, 256, usual.shape, dtype=np.uint8)
    white = np.full_like(usual, 255)
    strange = {"noise.png": noise, "white.png": white}
    return write_images(tmp_path_factory.mktemp("given"), {"usual.png": usual} | turned | strange)


def by_name(table):
    names = table["image"].str.extract(r"([^/]+)\.png$")[0]
    return {name: row for name, (_, row) in zip(names, table.iterrows(), strict=True)}


def test_strange_images_have_a_warning_or_no_answer(run, images, tmp_path):
    out = tmp_path / "answers.csv"
    rows = by_name(predict(run.path, images, out=out))
    assert rows["usual"]["status"] == "answered"
    for name in ("inverted", "upside down"):
        assert f"looks {name}" in rows[name]["status"]
    for name in ("noise", "white"):
        assert rows[name]["status"].startswith("not answered: unlike the training images: ")
        assert rows[name]["predicted"] == "" and np.isnan(rows[name]["dark"])
    written = by_name(pd.read_csv(out, keep_default_na=False))
    assert {name: row["status"] for name, row in written.items()} == {
        name: row["status"] for name, row in rows.items()
    }


@pytest.mark.slow
def test_an_export_says_the_same(run, images, tmp_path):
    exported = predict(export(run.path, tmp_path / "saved"), images)
    assert exported["status"].tolist() == predict(run.path, images)["status"].tolist()


def test_without_an_input_check_everything_is_answered_and_that_is_said(run, images, caplog):
    (run.path / FILE).rename(run.path / "kept")
    try:
        with caplog.at_level(logging.INFO):
            assert set(predict(run.path, images)["status"]) == {"answered"}
    finally:
        (run.path / "kept").rename(run.path / FILE)
    assert "no input check: " in caplog.text
