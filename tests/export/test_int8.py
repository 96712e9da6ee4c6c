"""Exports in eight bits: calibrated on train, accepted by the AUC on val."""

import importlib.util

import numpy as np
import pytest
import tiny

from covid_keras.evaluation.sets import predict_split
from covid_keras.export import litert
from covid_keras.export.export import export, write_export
from covid_keras.export.int8 import calibration_images
from covid_keras.export.load import load_export
from covid_keras.runs.inference import load_trained
from covid_keras.training import fit
from covid_keras.utils.errors import InputError


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run on tiny images, with predictions on val."""
    run = tiny.start_run(tmp_path_factory.mktemp("int8"))
    fit.train(run)
    predict_split(run, "val")
    return run


def test_it_is_calibrated_on_train(run):
    images = calibration_images(load_trained(run.path))
    records = run.split("train")
    assert images.shape == (len(records), 16, 16, 1) and images.dtype == np.uint8
    samples = load_trained(run.path).samples(records, run.data_root())
    np.testing.assert_array_equal(images[1, ..., 0], samples.read(1))


def openvino() -> None:
    """Skip where NNCF is missing, without importing it."""
    for package in ("openvino", "nncf"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")


@pytest.mark.parametrize("name", ["litert", pytest.param("openvino", marks=pytest.mark.slow)])
def test_the_auc_with_its_change_is_printed(name, run, tmp_path, caplog):
    if name == "openvino":
        openvino()
    with caplog.at_level("INFO", "covid_keras"):
        out = export(run, tmp_path / "out", format=name, int8=True)
    [line] = [message for message in caplog.messages if "macro AUC" in message]
    assert "in eight bits against" in line and ": accepted; first answer after" in line
    notes, network = load_export(out)
    assert notes.precision == "int8" and "Computes in int8." in (out / "README.md").read_text()
    trained = load_trained(run.path)
    samples = trained.samples(run.split("val"), run.data_root())
    pixels = np.stack([samples.read(n) for n in range(len(samples))])[..., None]
    expected = trained.probability_model.predict(pixels, verbose=0)
    found = network(pixels.astype("float32")).probabilities
    np.testing.assert_allclose(found, expected, atol=0.1)
    assert not np.array_equal(found, expected)


@pytest.mark.slow
def test_a_network_that_val_suffers_from_is_refused(run, tmp_path, monkeypatch):
    write = litert.write

    def wrong(trained, folder, calibration):
        """Write the network with its outputs the other way round."""
        head = trained.network.get_layer("head")
        head.kernel.assign(-head.kernel)
        write(trained, folder, calibration)
        head.kernel.assign(-head.kernel)

    monkeypatch.setattr(litert, "write", wrong)
    with pytest.raises(InputError, match=r"fall by less than 0.005. Received: macro AUC 0\.\d+ in"):
        export(run, tmp_path / "out", format="litert", int8=True)
    assert not (tmp_path / "out").exists()


def test_formats_without_eight_bits_are_refused(run, tmp_path):
    told = "--int8: expected --format openvino or litert. Received: onnx"
    with pytest.raises(InputError, match=told):
        write_export(load_trained(run.path), tmp_path / "out", "onnx", int8=True)
