"""Exports against the Keras path: the SavedModel in bare TensorFlow, others in their runtimes."""

import dataclasses
import importlib.util
import itertools
import json
import os
import re
import shutil
import subprocess
import sys

import cv2
import image_modes
import keras
import numpy as np
import pandas as pd
import pytest
import random_networks
import tensorflow as tf
import tiny

from covid_keras.cli.main import main
from covid_keras.export import FORMATS, WITHOUT_TENSORFLOW, graph
from covid_keras.export.export import export, write_export
from covid_keras.export.load import load_export
from covid_keras.images.read import decode_image, read_image
from covid_keras.predict.predict import predict
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
    return export(run.path, run.path.parent / "saved")


def every_mode(folder) -> list:
    """Files of every PNG and JPEG mode that the reader takes."""
    folder.mkdir()
    paths = []
    examples = [(name, one.data, ".png") for name, one in image_modes.png_examples().items()]
    jpeg = image_modes.jpeg_files()
    jpeg["junk"] = image_modes.with_junk(jpeg["4:2:0"], b"junk" * 30)
    examples += [(name, data, ".jpg") for name, data in jpeg.items()]
    examples.append(("animated", image_modes.animation(), ".png"))
    for name, data, suffix in examples:
        paths.append(folder / (name.replace(" ", "_").replace("/", "_") + suffix))
        paths[-1].write_bytes(data)
    return paths


@pytest.mark.slow
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
    images = [p for name in folders for p in sorted((shared_data / name).iterdir())[::40]]
    expected = predict(run.path, images)[list(tiny.CLASSES)]
    assert len(expected) == len(images)
    model = tf.saved_model.load(str(exported))
    answer = model.serve(tf.constant([image.read_bytes() for image in images]))["probabilities"]
    np.testing.assert_allclose(answer, expected, atol=1e-5)
    np.testing.assert_allclose(predict(exported, images)[list(tiny.CLASSES)], expected, atol=1e-5)


def test_pixel_endpoint_equals_the_other_and_is_named_in_the_signatures(run, exported):
    model = tf.saved_model.load(str(exported))
    trained = load_trained(run.path)
    records = run.split()
    slices = trained.samples(records, run.data_root())
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
    pngs = [cv2.imencode(".png", read_image(file))[1].tobytes() for file in files]
    model = tf.saved_model.load(str(exported))
    answer = model.serve(tf.constant(pngs))["probabilities"]
    np.testing.assert_allclose(answer, outputs[0], atol=1e-5)


class Interrupted:
    """Stamps that are interrupted when the notes, the last file, are written."""

    def __iter__(self):
        raise KeyboardInterrupt


def test_an_interrupted_export_leaves_the_old_one(run, exported):
    before = (exported / "saved_model.pb").read_bytes()
    trained = dataclasses.replace(load_trained(run.path), stamps=Interrupted())
    with pytest.raises(KeyboardInterrupt):
        write_export(trained, exported, "savedmodel")
    assert (exported / "saved_model.pb").read_bytes() == before
    assert not [path for path in exported.parent.iterdir() if path.name.startswith(".")]


def test_a_folder_of_something_else_is_not_replaced(run, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("words")
    with pytest.raises(InputError, match="is not an exported model"):
        export(run.path, tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").exists()


PACKAGES = {"openvino": ["openvino"], "onnx": ["onnx", "tf2onnx", "onnxruntime"], "litert": []}
"""Packages that writing and running each format needs."""


def by_hand(network, images: np.ndarray) -> np.ndarray:
    """Probabilities of the network as it was trained, on BiT's normalisation."""
    normalised = np.repeat((images - 127.5) / 127.5, 3, axis=-1)
    logits = np.asarray(network(normalised, training=False)).astype("float64")
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def features_by_hand(network, images: np.ndarray) -> np.ndarray:
    """Mean over the last feature map of the network as it was trained."""
    body = keras.Model(network.input, network.get_layer("features").output)
    normalised = np.repeat((images - 127.5) / 127.5, 3, axis=-1)
    return np.asarray(body(normalised, training=False)).mean(axis=(1, 2))


def need(packages: list[str]) -> None:
    """Skip where a package is missing, without importing it: openvino reports its import."""
    for package in packages:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")


ALONE = """
import sys
import covid_keras
row = covid_keras.predict(*sys.argv[1:]).iloc[0]
assert not {"tensorflow", "keras", "jax", "sklearn", "matplotlib"} & set(sys.modules)
print(*row[["a", "b", "c"]])
"""


def assert_predicts_alone(folder, image: np.ndarray, expected: np.ndarray) -> None:
    """Predict an image in a process of its own, which imports neither TensorFlow nor Keras."""
    file = folder.parent / "image.png"
    cv2.imwrite(str(file), image.astype("uint8"))
    command = [sys.executable, "-c", ALONE, str(folder), str(file)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose([float(x) for x in done.stdout.split()], expected, atol=1e-4)


SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in WITHOUT_TENSORFLOW]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["litert", *SLOW])
def test_other_formats_equal_keras_in_their_own_runtimes(name, tmp_path):
    need(PACKAGES[name])
    network = random_networks.randomise(random_networks.bit((40, 56), units=(1, 1)))
    recipe = tiny.recipe(input_resize=(40, 56), input_crop=(40, 56))
    out = tmp_path / "out"
    write_export(Trained(network, recipe, ("a", "b", "c"), ["a stamp"]), out, name)
    images = np.random.default_rng(0).integers(0, 256, (3, 40, 56, 1)).astype("float32")
    expected = by_hand(network, images)
    assert expected.std() > 0.05
    notes, run_network = load_export(out)
    answer = run_network(images)
    np.testing.assert_allclose(answer.probabilities, expected, atol=1e-4)
    np.testing.assert_allclose(answer.features, features_by_hand(network, images), atol=1e-4)
    assert notes.classes == ("a", "b", "c") and notes.recipe == recipe
    if name in WITHOUT_TENSORFLOW:
        assert_predicts_alone(out, images[0, ..., 0], expected[0])
    written = json.loads((out / "covid_keras.json").read_text())
    assert written["classes"] == ["a", "b", "c"] and written["stamps"] == ["a stamp"]
    assert written["evidence"]["run_id"] == "" and written["evidence"]["tests"] == []
    assert written["outputs"] == {"probabilities": [None, 3], "features": [None, 512]}
    assert written["input"] == {"name": "images", "shape": [None, 40, 56, 1], "dtype": "float32"}


@pytest.mark.slow
def test_a_format_from_the_command_line(run, tmp_path, capsys):
    out = tmp_path / "lite"
    assert main(["export", str(run.path), "--out", str(out), "--format", "litert"]) == 0
    assert sorted(path.name for path in out.iterdir()) == [
        "README.md",
        "covid_keras.json",
        "model.tflite",
    ]
    printed = capsys.readouterr()
    assert "cropped and resized images to probabilities" in printed.out
    pattern = r"checked on \d+ val images in a fresh process: at most [\de.-]+ from the run; first"
    assert re.search(pattern, printed.out + printed.err)
    assert {*PACKAGES, "savedmodel"} == set(FORMATS)


def test_an_unknown_format_is_one_line(run, exported, tmp_path):
    with pytest.raises(InputError, match=r"expected savedmodel, .*litert. Received: 'pickle'"):
        export(run.path, tmp_path / "x", format="pickle")
    shutil.copytree(exported, tmp_path / "saved")
    notes = tmp_path / "saved" / "covid_keras.json"
    notes.write_text(notes.read_text().replace('"savedmodel"', '"pickle"'))
    with pytest.raises(InputError, match=r"saved: format: expected .* Received: 'pickle'"):
        load_export(tmp_path / "saved")


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
    code = "from covid_keras.export.openvino import import_openvino as load; print(load().Core)"
    environment = {key: value for key, value in os.environ.items() if key != "CI"}
    environment["HOME"] = str(tmp_path)
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.glob("intel*"))


@pytest.mark.parametrize("levels", [(0, 65535), (0, 4095), (-326, 1174)])
def test_the_graph_reads_16_bits_with_the_levels_of_the_recipe(levels):
    rng = np.random.default_rng(0)
    decode = tf.function(lambda data: graph.decode(data, levels))
    for dtype, channels in itertools.product((np.uint8, np.uint16), (1, 3, 4)):
        values = rng.integers(0, 5000 if dtype == np.uint16 else 256, (9, 12, channels))
        data = cv2.imencode(".png", values.astype(dtype))[1].tobytes()
        np.testing.assert_array_equal(decode(data), decode_image(data, "", levels))
