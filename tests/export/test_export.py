"""Exports against the Keras path: the SavedModel in bare TensorFlow, others in their runtimes."""

import importlib.util
import json
import os
import subprocess
import sys

import cv2
import image_modes
import numpy as np
import pandas as pd
import pytest
import random_networks
import tensorflow as tf
import tiny

from covid_keras.cli.main import main
from covid_keras.export import FORMATS, formats, savedmodel
from covid_keras.runs.inference import Trained, load_trained
from covid_keras.training import fit
from covid_keras.utils.errors import InputError

BARE = """
import json, sys
import tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
files = [open(path, "rb").read() for path in sys.argv[2:]]
answer = model.serve(tf.constant(files))
assert not [name for name in sys.modules if name.startswith("covid_keras")]
label, probabilities = answer["label"].numpy(), answer["probabilities"].numpy()
print(json.dumps([label.astype(str).tolist(), probabilities.tolist()]))
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run on tiny images, with the automatic body crop in its geometry."""
    folder = tmp_path_factory.mktemp("export")
    run = tiny.start_run(folder, input_box="body", input_resize=40, input_crop=32)
    fit.train(run)
    return run


@pytest.fixture(scope="module")
def exported(run):
    out = run.path.parent / "saved"
    savedmodel.export_savedmodel(load_trained(run.path), out)
    return out


def every_mode(folder) -> list:
    """Files of every PNG and JPEG mode that the reader takes."""
    folder.mkdir()
    paths = []
    examples = [(name, one.data, ".png") for name, one in image_modes.png_examples().items()]
    examples += [(name, data, ".jpg") for name, data in image_modes.jpeg_files().items()]
    for name, data, suffix in examples:
        paths.append(folder / (name.replace(" ", "_").replace("/", "_") + suffix))
        paths[-1].write_bytes(data)
    return paths


def test_savedmodel_equals_the_keras_path_in_bare_tensorflow(run, exported, tmp_path):
    paths = [str(path) for path in every_mode(tmp_path / "modes")]
    assert len(paths) > 10
    main(["predict", str(run.path), *paths, "--out", str(tmp_path / "keras.csv")])
    expected = pd.read_csv(tmp_path / "keras.csv")[list(tiny.CLASSES)].to_numpy()
    command = [sys.executable, "-c", BARE, str(exported), *paths]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    labels, probabilities = json.loads(done.stdout)
    np.testing.assert_allclose(probabilities, expected, atol=1e-5)
    assert labels == [tiny.CLASSES[k] for k in expected.argmax(axis=1)]


def test_savedmodel_equals_the_keras_path_on_real_images(run, exported, shared_data, tmp_path):
    folders = ("covid19_ct/CT_COVID", "covid19_ct/CT_NonCOVID", "sars_cov2_ct/COVID")
    images = [str(p) for name in folders for p in sorted((shared_data / name).iterdir())[::40]]
    outputs = []
    for model in (run.path, exported):
        out = tmp_path / f"{model.name}.csv"
        assert main(["predict", str(model), *images, "--out", str(out)]) == 0
        outputs.append(pd.read_csv(out)[list(tiny.CLASSES)].to_numpy())
    assert len(outputs[0]) == len(images)
    np.testing.assert_allclose(*outputs, atol=1e-5)


def test_pixel_endpoint_equals_the_other_and_is_named_in_the_signatures(run, exported):
    model = tf.saved_model.load(str(exported))
    trained = load_trained(run.path)
    records = run.split()
    slices = trained.slices(records, run.data_root())
    pixels = np.stack([slices.read(n) for n in range(8)])[..., None].astype("float32")
    encoded = [(run.data_root() / records["image"].iloc[n]).read_bytes() for n in range(8)]
    one = model.serve_pixels(tf.constant(pixels))["probabilities"]
    other = model.serve(tf.constant(encoded))["probabilities"]
    np.testing.assert_allclose(one, other, atol=1e-6)
    assert {"serve", "serve_pixels"} <= set(model.signatures)
    assert model.serve(tf.constant(encoded))["classes"].numpy().astype(str).tolist() == [
        "dark",
        "bright",
    ]


def test_dicom_goes_through_both_paths_alike(run, exported, shared_data, tmp_path):
    files = [str(path) for path in sorted((shared_data / "dicom").glob("*.dcm"))]
    outputs = []
    for model in (run.path, exported):
        out = tmp_path / f"{model.name}.csv"
        assert main(["predict", str(model), *files, "--out", str(out)]) == 0
        outputs.append(pd.read_csv(out)[list(tiny.CLASSES)].to_numpy())
    np.testing.assert_allclose(*outputs, atol=1e-5)


def test_an_interrupted_export_leaves_the_old_one(run, exported, monkeypatch):
    before = (exported / "saved_model.pb").read_bytes()

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(savedmodel, "write_json", interrupted)
    with pytest.raises(KeyboardInterrupt):
        savedmodel.export_savedmodel(load_trained(run.path), exported)
    assert (exported / "saved_model.pb").read_bytes() == before
    assert not [path for path in exported.parent.iterdir() if path.name.startswith(".")]


def test_a_folder_of_something_else_is_not_replaced(run, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("words")
    with pytest.raises(InputError, match="is not an exported model"):
        savedmodel.export_savedmodel(load_trained(run.path), tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").exists()


def test_gradcam_of_predicted_files(run, tmp_path):
    image = tmp_path / "one.png"
    cv2.imwrite(str(image), np.full((40, 50), 90, np.uint8))
    maps = tmp_path / "maps"
    out = tmp_path / "predictions.csv"
    assert (
        main(["predict", str(run.path), str(image), "--out", str(out), "--gradcam", str(maps)]) == 0
    )
    assert [path.name for path in maps.iterdir()] == ["0000_one.png"]


def by_openvino(folder, images) -> np.ndarray:
    openvino = formats.import_openvino()
    options = {"INFERENCE_PRECISION_HINT": "f32"}  # elsewhere it may choose bfloat16
    model = openvino.Core().compile_model(folder / "model.xml", "CPU", options)
    return model({"images": images})["probabilities"]


def by_onnx(folder, images) -> np.ndarray:
    import onnxruntime

    session = onnxruntime.InferenceSession(
        folder / "model.onnx", providers=["CPUExecutionProvider"]
    )
    return session.run(["probabilities"], {"images": images})[0]


def by_litert(folder, images) -> np.ndarray:
    serve = tf.lite.Interpreter(str(folder / "model.tflite")).get_signature_runner("serve")
    return serve(images=images)["probabilities"]


RUNTIMES = {
    "openvino": (by_openvino, ["openvino"]),
    "onnx": (by_onnx, ["onnx", "tf2onnx", "onnxruntime"]),
    "litert": (by_litert, []),
}
"""How to run each format, and the packages that writing and running it needs."""


def by_hand(network, images: np.ndarray) -> np.ndarray:
    """Probabilities of the network as it was trained, on BiT's normalisation."""
    normalised = np.repeat((images - 127.5) / 127.5, 3, axis=-1)
    logits = np.asarray(network(normalised, training=False)).astype("float64")
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def need(packages: list[str]) -> None:
    """Skip where a package is missing, without importing it: openvino reports its import."""
    for package in packages:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")


@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated")
@pytest.mark.parametrize("name", RUNTIMES)
def test_other_formats_equal_keras_in_their_own_runtimes(name, tmp_path):
    run_it, packages = RUNTIMES[name]
    need(packages)
    network = random_networks.randomise(random_networks.bit((40, 56), units=(1, 1)))
    trained = Trained(network, tiny.recipe(), ("a", "b", "c"), ["a stamp"])
    formats.EXPORTERS[name](trained, tmp_path / "out")
    images = np.random.default_rng(0).integers(0, 256, (3, 40, 56, 1)).astype("float32")
    expected = by_hand(network, images)
    assert expected.std() > 0.05
    np.testing.assert_allclose(run_it(tmp_path / "out", images), expected, atol=1e-4)
    notes = json.loads((tmp_path / "out" / "covid_keras.json").read_text())
    assert notes["classes"] == ["a", "b", "c"] and notes["stamps"] == ["a stamp"]
    assert notes["input"] == {"name": "images", "shape": [None, 40, 56, 1], "dtype": "float32"}


def test_a_format_from_the_command_line(run, tmp_path, capsys):
    out = tmp_path / "lite"
    assert main(["export", str(run.path), "--out", str(out), "--format", "litert"]) == 0
    assert sorted(path.name for path in out.iterdir()) == ["covid_keras.json", "model.tflite"]
    assert "cropped and resized images to probabilities" in capsys.readouterr().out
    assert tuple(formats.EXPORTERS) == FORMATS


@pytest.mark.parametrize("name", ["openvino", "onnx"])
def test_a_missing_package_is_one_line_with_the_command(name, run, tmp_path, monkeypatch, capsys):
    find = importlib.util.find_spec
    missing = ("openvino", "onnx", "tf2onnx")
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda package: None if package in missing else find(package)
    )
    out = tmp_path / "out"
    assert main(["export", str(run.path), "--out", str(out), "--format", name]) == 1
    error = capsys.readouterr().err
    assert f"pip install 'covid-keras[{name}]'" in error and error.count("\n") == 1
    assert not out.exists()


@pytest.mark.slow
def test_openvino_is_imported_without_reporting_it(tmp_path):
    """openvino_telemetry writes an identity into the home folder before it reports."""
    need(["openvino"])
    code = "from covid_keras.export.formats import import_openvino as load; print(load().Core)"
    environment = {key: value for key, value in os.environ.items() if key != "CI"}
    environment["HOME"] = str(tmp_path)
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.glob("intel*"))
