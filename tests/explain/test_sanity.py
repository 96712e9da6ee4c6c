"""Sanity of maps: random layers, the weights that come back, and noise."""

import numpy as np
import pytest
import tiny

from covid_keras.explain.sanity import STAGES, agreement, randomised, sanity
from covid_keras.models.create import create_model
from covid_keras.runs.inference import load_trained
from covid_keras.training import fit


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    run = tiny.start_run(tmp_path_factory.mktemp("sanity"))
    fit.train(run)
    return run


def test_layers_become_random_from_the_output_and_come_back():
    network = create_model("squeezenet", classes=2, input_shape=(64, 64, 3), head="original")
    before = network.get_weights()
    layers = [layer for layer in network.layers if layer.weights]
    changed = []
    for name in randomised(network, np.random.default_rng(0)):
        same = [np.array_equal(a, b) for a, b in zip(before, network.get_weights(), strict=True)]
        changed.append((name, sum(not each for each in same)))
    names, counts = zip(*changed, strict=True)
    assert names[0] == layers[-1].name and names[-1] == layers[0].name
    assert len(names) == STAGES and sorted(counts) == list(counts) and len(set(counts)) == STAGES
    kernels = sum(weight.ndim > 1 for weight in before)
    assert 1 <= counts[0] <= len(layers[-1].weights) and counts[-1] >= kernels
    for a, b in zip(before, network.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_random_kernels_keep_their_deviation():
    network = create_model("squeezenet", classes=2, input_shape=(64, 64, 3), head="original")
    largest = max(range(len(network.weights)), key=lambda n: np.size(network.weights[n]))
    before = network.get_weights()[largest]
    for _ in randomised(network, np.random.default_rng(0)):
        after = network.get_weights()[largest]
    assert after.std() == pytest.approx(before.std(), rel=0.02)
    assert abs(np.corrcoef(before.ravel(), after.ravel())[0, 1]) < 0.02


def test_a_run_and_its_random_versions(run):
    trained = load_trained(run.path)
    weights = trained.network.get_weights()
    samples = trained.samples(run.split("test"), run.data_root())
    found = sanity(trained, samples)
    assert found["images"] == found["patients"] == len(samples)
    assert found["noise"]["rank_correlation"]["value"] > 0.5
    assert [each["layer"] for each in found["layers"]] == ["head", "stem"]
    last = found["layers"][-1]["rank_correlation"]
    assert last["value"] < found["noise"]["rank_correlation"]["value"]
    assert -1 <= last["low"] <= last["value"] <= last["high"] <= 1
    for a, b in zip(weights, trained.network.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_occlusion_needs_no_feature_map(run):
    trained = load_trained(run.path)
    samples = trained.samples(run.split("test").head(3), run.data_root())
    assert len(sanity(trained, samples, "occlusion")["layers"]) == 2


def test_agreement_is_one_of_equal_maps_and_zero_of_unrelated_ones():
    rng = np.random.default_rng(0)
    first, second = rng.random((2, 30, 12, 12))
    same = agreement(first, first, np.arange(30), "patient")
    other = agreement(first, second, np.arange(30), "patient")
    for measure in ("ssim", "rank_correlation"):
        assert same[measure]["value"] == pytest.approx(1)
        assert other[measure]["value"] == pytest.approx(0, abs=0.05)
        assert other[measure]["low"] < other[measure]["value"] < other[measure]["high"]
        assert other[measure]["method"] == "30 patients; logit"
