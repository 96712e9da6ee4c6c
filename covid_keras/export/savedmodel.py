"""A SavedModel that takes encoded images and answers with class names and probabilities."""

from pathlib import Path

import keras
import tensorflow as tf

from covid_keras.export import graph
from covid_keras.predict.files import SAVEDMODEL_NOTES
from covid_keras.recipes import config
from covid_keras.runs.inference import Trained, probability_model
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import atomic_folder, write_json

_CANNOT_WRITE = (
    tf.errors.PermissionDeniedError,
    tf.errors.ResourceExhaustedError,
    tf.errors.OutOfRangeError,
)
"""What TensorFlow raises on a disk that is full, or for a file that may not grow."""


def export_savedmodel(trained: Trained, out: Path) -> None:
    """Write the SavedModel folder `out`, replacing one that is there.

    Endpoints:
        serve: image_bytes, string (N,), each a PNG or JPEG file -> {"label": string (N,),
            "probabilities": float32 (N, K), "classes": string (K,)}. Decoding, body crop,
            resizing and normalisation are inside.
        serve_pixels: images, float32 (N, h, w, 1) in 0 to 255, already cropped and resized ->
            the same.

    It loads with `tf.saved_model.load` in a process that has only TensorFlow.

    Raises:
        InputError: `out` exists and is no export of ours, or cannot be written.
    """
    refuse_to_replace(out)
    model = probability_model(trained.network, trained.preprocessing)
    spec = trained.recipe.input
    classes = tf.constant(trained.classes)

    def answer(slices: tf.Tensor) -> dict[str, tf.Tensor]:
        probabilities = model(slices, training=False)
        label = tf.gather(classes, tf.argmax(probabilities, axis=-1))
        return {"label": label, "probabilities": probabilities, "classes": classes}

    def serve(image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        return answer(
            tf.map_fn(
                lambda image: graph.prepare(image, spec), image_bytes, fn_output_signature=tf.uint8
            )
        )

    def serve_pixels(images: tf.Tensor) -> dict[str, tf.Tensor]:
        return answer(images)

    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serve", serve, [tf.TensorSpec([None], tf.string, "image_bytes")])
    archive.add_endpoint(
        "serve_pixels",
        serve_pixels,
        [tf.TensorSpec([None, *model.input_shape[1:]], tf.float32, "images")],
    )
    with atomic_folder(out) as folder:
        try:
            archive.write_out(str(folder), verbose=False)
        except _CANNOT_WRITE as error:
            reason = " ".join(error.message.split())
            raise InputError(f"{out}: cannot write: {reason}") from error
        write_json(folder / SAVEDMODEL_NOTES, notes(trained))


def refuse_to_replace(out: Path) -> None:
    """Raise InputError where `out` exists and is not an export of ours, of any format."""
    if out.exists() and not (out / SAVEDMODEL_NOTES).exists():
        raise InputError(f"{out}: exists and is not an exported model; give another --out")


def notes(trained: Trained) -> dict:
    """What goes beside every exported network."""
    return {
        "recipe": config.to_json(trained.recipe),
        "classes": list(trained.classes),
        "stamps": trained.stamps,
    }
