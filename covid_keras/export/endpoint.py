"""The TensorFlow function that other runtimes convert, from pixels to probabilities."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import keras
import numpy as np
import tensorflow as tf

from covid_keras.runs.inference import Trained, probability_model

Predictor = Callable[[np.ndarray], np.ndarray]
"""From images, float32 (N, h, w, 1) in [0, 255], to probabilities, float32 (N, K)."""


def pixel_endpoint(trained: Trained) -> tuple[keras.Model, Callable]:
    """Return the network and a `tf.function` on it, "serve", from images to probabilities."""
    model = probability_model(trained.network, trained.preprocessing)
    images = tf.TensorSpec([None, *model.input_shape[1:]], tf.float32, "images")

    @tf.function(input_signature=[images])
    def serve(images: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"probabilities": model(images, training=False)}

    return model, serve


@contextmanager
def temporary_savedmodel(trained: Trained) -> Iterator[str]:
    """Yield a SavedModel folder with this endpoint alone."""
    model, serve = pixel_endpoint(trained)
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serve", serve, serve.input_signature)
    with tempfile.TemporaryDirectory() as folder:
        archive.write_out(folder, verbose=False)
        yield folder
