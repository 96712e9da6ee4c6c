"""LiteRT (TensorFlow Lite): model.tflite, from pixels to `Outputs`."""

import warnings
from pathlib import Path

import tensorflow as tf

from covid_keras.export import Outputs, Predictor
from covid_keras.export.endpoint import temporary_savedmodel
from covid_keras.runs.inference import Trained


def write(trained: Trained, folder: Path) -> None:
    """Write the network into `folder`, by TensorFlow's converter."""
    with temporary_savedmodel(trained) as saved:
        converter = tf.lite.TFLiteConverter.from_saved_model(saved, signature_keys=["serve"])
        (folder / "model.tflite").write_bytes(converter.convert())


def load(folder: Path) -> Predictor:
    """Load the network into TensorFlow's own interpreter."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*tf.lite.Interpreter is deprecated")
        interpreter = tf.lite.Interpreter(str(folder / "model.tflite"))
    serve = interpreter.get_signature_runner("serve")
    return lambda images: Outputs(**serve(images=images))
