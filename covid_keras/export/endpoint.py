"""The TensorFlow function that other runtimes convert, from pixels to `Outputs`."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import keras
import tensorflow as tf

from covid_keras.runs.inference import Trained, answer_model


def pixel_endpoint(trained: Trained) -> tuple[keras.Model, Callable]:
    """Return the network and a `tf.function` on it, "serve", from images to `Outputs` by name."""
    model = answer_model(trained.network, trained.preprocessing)
    images = tf.TensorSpec([None, *model.input_shape[1:]], tf.float32, "images")

    @tf.function(input_signature=[images])
    def serve(images: tf.Tensor) -> dict[str, tf.Tensor]:
        return model(images, training=False)

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
