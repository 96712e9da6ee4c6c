"""Exports for other runtimes, from pixels to probabilities: OpenVINO, ONNX and LiteRT.

All three take what the SavedModel's `serve_pixels` takes, images that are cropped and resized
already, and run the same folded network.
"""

import importlib
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import keras
import numpy as np
import tensorflow as tf

from covid_keras.export.savedmodel import export_savedmodel, notes, refuse_to_replace
from covid_keras.predict.files import SAVEDMODEL_NOTES
from covid_keras.runs.inference import Trained, probability_model
from covid_keras.utils.files import atomic_folder, write_json
from covid_keras.utils.optional import need

ONNX_OPSET = 17
ALMOST_ZERO = 1e-7
"""See `_keep_zeros_before_pools`."""


def export_openvino(trained: Trained, out: Path) -> None:
    """Write the folder `out` with model.xml, model.bin and the notes.

    Raises:
        InputError: openvino is not installed; `out` is something else, or cannot be written.
    """
    need("openvino", "--format openvino", "openvino")
    openvino = import_openvino()
    with _folder(trained, out) as folder, tempfile.TemporaryDirectory() as saved:
        _write_savedmodel(trained, saved)
        openvino.serialize(openvino.Core().read_model(saved), folder / "model.xml")


def export_onnx(trained: Trained, out: Path) -> None:
    """Write the folder `out` with model.onnx and the notes.

    Raises:
        InputError: onnx or tf2onnx is not installed; `out` is something else, or cannot be
            written.
    """
    for package in ("onnx", "tf2onnx"):
        need(package, "--format onnx", "onnx")
    import onnx
    import tf2onnx

    with _folder(trained, out) as folder:
        _, serve = _endpoint(trained)
        model, _ = tf2onnx.convert.from_function(serve, serve.input_signature, opset=ONNX_OPSET)
        _keep_zeros_before_pools(model)
        onnx.save(model, folder / "model.onnx")


def export_litert(trained: Trained, out: Path) -> None:
    """Write the folder `out` with model.tflite (TensorFlow's converter) and the notes.

    Raises:
        InputError: `out` is something else, or cannot be written.
    """
    with _folder(trained, out) as folder, tempfile.TemporaryDirectory() as saved:
        _write_savedmodel(trained, saved)
        converter = tf.lite.TFLiteConverter.from_saved_model(saved, signature_keys=["serve"])
        (folder / "model.tflite").write_bytes(converter.convert())


EXPORTERS: dict[str, Callable[[Trained, Path], None]] = {
    "savedmodel": export_savedmodel,
    "openvino": export_openvino,
    "onnx": export_onnx,
    "litert": export_litert,
}


def import_openvino() -> ModuleType:
    """The package openvino, without openvino_telemetry.

    With that package beside it, the mere import of openvino reports to Intel unless the user has
    opted out; where it is missing, openvino puts a stub in its place.
    """
    sys.modules.setdefault("openvino_telemetry", None)
    return importlib.import_module("openvino")


@contextmanager
def _folder(trained: Trained, out: Path) -> Iterator[Path]:
    refuse_to_replace(out)
    height, width = trained.network.input_shape[1:3]
    endpoint = {
        "input": {"name": "images", "shape": [None, height, width, 1], "dtype": "float32"},
        "input_range": [0, 255],
        "output": {"name": "probabilities", "shape": [None, len(trained.classes)]},
    }
    with atomic_folder(out) as folder:
        yield folder
        write_json(folder / SAVEDMODEL_NOTES, notes(trained) | endpoint)


def _endpoint(trained: Trained) -> tuple[keras.Model, Callable]:
    """The network and a `tf.function` on it: images (N, h, w, 1) to {"probabilities": (N, K)}."""
    model = probability_model(trained.network, trained.preprocessing)
    images = tf.TensorSpec([None, *model.input_shape[1:]], tf.float32, "images")

    @tf.function(input_signature=[images])
    def serve(images: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"probabilities": model(images, training=False)}

    return model, serve


def _write_savedmodel(trained: Trained, folder: str) -> None:
    """The endpoint alone, for converters that read TensorFlow's format."""
    model, serve = _endpoint(trained)
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serve", serve, serve.input_signature)
    archive.write_out(folder, verbose=False)


def _keep_zeros_before_pools(model) -> None:
    """Pad with `ALMOST_ZERO` instead of 0 in front of every max pooling of an ONNX graph.

    ONNX Runtime moves a padding with zeros into the pooling behind it, which pads with minus
    infinity; BiT pools values below zero and relies on the zeros. (onnxruntime's PadFusion, seen
    in 1.31; errors of 0.2 of the largest value.) It leaves paddings with other values alone.
    """
    from onnx import numpy_helper

    graph = model.graph
    pooled = {node.input[0] for node in graph.node if node.op_type == "MaxPool"}
    value = numpy_helper.from_array(np.array(ALMOST_ZERO, "float32"), "almost_zero")
    graph.initializer.append(value)
    for node in graph.node:
        if node.op_type == "Pad" and node.output[0] in pooled:
            del node.input[2:]
            node.input.append(value.name)
