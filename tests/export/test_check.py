"""Exports are compared with their network in a fresh process, before they are kept."""

import shutil

import numpy as np
import pytest
import tiny

from covid_keras.export import Outputs, litert
from covid_keras.export.check import answer_alone, check_images
from covid_keras.export.export import export, write_export
from covid_keras.models.create import create_model
from covid_keras.runs.inference import Trained, load_trained, network_arguments
from covid_keras.training import fit
from covid_keras.utils.errors import InputError


@pytest.fixture
def trained(tmp_path):
    """A network with random weights, and its run folder on tiny images."""
    run = tiny.start_run(tmp_path)
    network = create_model(**network_arguments(run.recipe(), len(run.classes())))
    return Trained(network, run.recipe(), run.classes(), run.stamps(), run)


def test_the_images_are_those_of_val(trained):
    pixels, origin = check_images(trained)
    records = trained.run.split("val")
    assert origin == f"{len(records)} val images" and pixels.shape[1:] == (16, 16, 1)
    samples = trained.samples(records, trained.run.data_root())
    np.testing.assert_array_equal(pixels[-1, ..., 0], samples.read(len(records) - 1))


def test_images_are_made_where_val_is_missing_and_said_so(trained):
    shutil.rmtree(trained.run.data())
    pixels, origin = check_images(trained)
    assert origin == "16 made images (no val images were found)"
    assert pixels.shape == (16, 16, 16, 1) and pixels.std() > 20


@pytest.mark.slow
@pytest.mark.parametrize("part", Outputs._fields)
def test_a_format_that_is_off_is_refused_and_nothing_is_kept(part, trained, tmp_path, monkeypatch):
    write = litert.write
    layer = {"probabilities": "head", "features": "stem"}[part]

    def wrong(trained, folder):
        """Write another network: a bias is off by 0.01."""
        bias = trained.network.get_layer(layer).bias
        bias.assign_add([0.01] + [0.0] * (bias.shape[0] - 1))
        write(trained, folder)
        bias.assign_add([-0.01] + [0.0] * (bias.shape[0] - 1))

    monkeypatch.setattr(litert, "write", wrong)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(InputError, match=r"expected the run's answers to 0.0001 on \d+ val images"):
        write_export(trained, tmp_path / "out", "litert")
    assert sorted(tmp_path.iterdir()) == before


def test_an_export_that_cannot_be_loaded_says_why(tmp_path):
    with pytest.raises(InputError, match=r"in a fresh process: .*covid_keras.json: file not found"):
        answer_alone(tmp_path, np.zeros((1, 16, 16, 1), np.uint8))


@pytest.mark.slow
def test_a_run_of_mixed_precision_is_exported_in_float32(tmp_path):
    run = tiny.start_run(tmp_path, training_precision="mixed_bfloat16")
    fit.train(run)
    out = export(run.path, tmp_path / "out", format="litert")
    pixels, _ = check_images(load_trained(run.path))
    mixed, exported = load_trained(run.path).answer(pixels), answer_alone(out, pixels).outputs
    off = np.abs(mixed["probabilities"] - exported.probabilities).max()
    assert 0 < off < 0.02, "bfloat16 has three digits"
