"""Exports from elsewhere: a graph that could do more than compute is not loaded."""

from dataclasses import asdict

import numpy as np
import pytest
import tensorflow as tf
import tiny

from covid_keras.export.load import load_export
from covid_keras.export.notes import Notes, write_notes
from covid_keras.runs.evidence import evidence
from covid_keras.utils.errors import InputError

IMAGES = tf.TensorSpec([None, 16, 16, 1], tf.float32, "images")


def notes(folder, format: str) -> None:
    """Write notes that are in order."""
    known = evidence(None)
    assert asdict(known)["tests"] == ()
    write_notes(folder, Notes(format, tiny.recipe(), tiny.CLASSES, (), known, "float32"), 6)


def saved(folder, harm) -> None:
    """A SavedModel that calls `harm` in a function of its endpoint, behind a condition."""

    @tf.function
    def inner(images):
        harm()
        return tf.reduce_mean(images, (1, 2))

    class Model(tf.Module):
        @tf.function(input_signature=[IMAGES])
        def serve_pixels(self, images):
            features = tf.cond(tf.size(images) > 0, lambda: inner(images), lambda: images[:, 0, 0])
            return {"features": features, "probabilities": tf.nn.softmax(features)}

    folder.mkdir()
    tf.saved_model.save(Model(), str(folder))
    notes(folder, "savedmodel")


HARM = {
    "WriteFile": lambda mark: tf.io.write_file(str(mark), "x"),
    "ReadFile": lambda mark: tf.io.read_file("/etc/hostname"),
    "MatchingFiles": lambda mark: tf.io.matching_files("/*"),
    "EagerPyFunc": lambda mark: tf.py_function(mark.touch, [], []),
    "SaveV2": lambda mark: tf.raw_ops.SaveV2(
        prefix=str(mark), tensor_names=["x"], shape_and_slices=[""], tensors=[tf.ones(1)]
    ),
}


@pytest.mark.parametrize("operation", HARM)
def test_a_savedmodel_that_reaches_outside_is_refused(operation, tmp_path):
    mark = tmp_path / "mark"
    saved(tmp_path / "saved", lambda: HARM[operation](mark))
    mark.unlink(missing_ok=True)
    with pytest.raises(InputError, match=f"only compute. Received: {operation}"):
        load_export(tmp_path / "saved")
    assert not mark.exists()


def test_a_savedmodel_that_computes_is_loaded(tmp_path):
    saved(tmp_path / "saved", lambda: None)
    _, network = load_export(tmp_path / "saved")
    answer = network(np.ones((2, 16, 16, 1), np.float32))
    assert answer.features.tolist() == [[1.0], [1.0]]


def test_a_tflite_file_with_operations_of_tensorflow_is_refused(tmp_path):
    mark = str(tmp_path / "mark")

    @tf.function(input_signature=[IMAGES])
    def serve(images):
        tf.io.write_file(mark, "x")
        return tf.reduce_mean(images, (1, 2))

    converter = tf.lite.TFLiteConverter.from_concrete_functions([serve.get_concrete_function()])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.SELECT_TF_OPS]
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "model.tflite").write_bytes(converter.convert())
    notes(tmp_path / "out", "litert")
    with pytest.raises(InputError, match=r"model\.tflite: expected LiteRT's own operations"):
        load_export(tmp_path / "out")


@pytest.mark.parametrize(("format", "file"), [("litert", "model.tflite"), ("savedmodel", "x.pb")])
def test_a_damaged_export_is_one_line(format, file, tmp_path):
    (tmp_path / file).write_bytes(b"\x00\x01not a network")
    notes(tmp_path, format)
    with pytest.raises(InputError, match=str(tmp_path)) as caught:
        load_export(tmp_path)
    assert "\n" not in str(caught.value)


def test_an_export_of_impossible_size_is_refused(tmp_path):
    notes(tmp_path, "litert")
    file = tmp_path / "covid_keras.json"
    file.write_text(file.read_text().replace('"crop": 16', '"crop": 1000000'))
    with pytest.raises(InputError, match=r"input\.crop: expected sides of up to 8,192 pixels"):
        load_export(tmp_path)
