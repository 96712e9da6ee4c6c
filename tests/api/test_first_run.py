"""The first run: `covid-keras run ct-bit` on the phantom, without a GPU."""

import pytest

import covid_keras
from covid_keras.runs.maps_file import read_maps


@pytest.mark.slow
def test_the_first_run_ends_with_a_network_that_works(tmp_path):
    """Half of its steps; whole, five seeds are in docs/results/first_run.json."""
    half = {"training.steps": 600, "training.eval_every": 300, "training.gradcam": 0}
    run = covid_keras.train("ct-bit", quick=True, out=tmp_path / "run", settings=half)
    assert run.recipe().model.name == "bit_r14x0_25"
    metrics = covid_keras.evaluate(run)
    assert metrics["accuracy"]["value"] > 0.65
    assert metrics["macro_auc"]["low"] > 0.8
    covid_keras.explain(run, count=1)
    scores = read_maps(run)["scores"]["test"]["maps"]["gradcam"]
    assert scores["hit_rate"]["lead_low"] > 0 and scores["average_precision"]["lead_low"] > 0
