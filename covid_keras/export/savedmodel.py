"""TensorFlow SavedModel: from image files, or pixels, to class names and probabilities."""

from pathlib import Path

import keras
import tensorflow as tf

from covid_keras.export import graph
from covid_keras.export.endpoint import Predictor
from covid_keras.runs.inference import Trained, probability_model


def write(trained: Trained, folder: Path) -> None:
    """Write the network into `folder`, for `tf.saved_model.load` without Keras.

    Endpoints:
        serve: image_bytes, string (N,), each a PNG or JPEG file -> {"label": string (N,),
            "probabilities": float32 (N, K), "classes": string (K,)}. Decoding, body crop,
            resizing and normalisation are inside.
        serve_pixels: images, float32 (N, h, w, 1) in [0, 255], cropped and resized already ->
            the same.
    """
    model = probability_model(trained.network, trained.preprocessing)
    spec, classes = trained.recipe.input, tf.constant(trained.classes)

    def serve_pixels(images: tf.Tensor) -> dict[str, tf.Tensor]:
        probabilities = model(images, training=False)
        label = tf.gather(classes, tf.argmax(probabilities, axis=-1))
        return {"label": label, "probabilities": probabilities, "classes": classes}

    def serve(image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        pixels = tf.map_fn(
            lambda file: graph.prepare(file, spec), image_bytes, fn_output_signature=tf.uint8
        )
        return serve_pixels(pixels)

    pixels = tf.TensorSpec([None, *model.input_shape[1:]], tf.float32, "images")
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serve", serve, [tf.TensorSpec([None], tf.string, "image_bytes")])
    archive.add_endpoint("serve_pixels", serve_pixels, [pixels])
    archive.write_out(str(folder), verbose=False)


def load(folder: Path) -> Predictor:
    """Load the endpoint `serve_pixels`."""
    model = tf.saved_model.load(str(folder))
    return lambda images: model.serve_pixels(tf.constant(images))["probabilities"].numpy()
