"""TensorFlow SavedModel: from image files, or pixels, to class names and probabilities."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from covid_keras.export import Outputs, Predictor, graph
from covid_keras.export.harmless import check_savedmodel
from covid_keras.runs.inference import Trained, answer_model

EXAMPLE = """
A PNG or JPEG file, with TensorFlow alone:

```python
import tensorflow as tf

model = tf.saved_model.load(".")
answer = model.serve(tf.constant([open("scan.png", "rb").read()]))
print(answer["label"].numpy()[0].decode(), answer["probabilities"].numpy().max())
```

A DICOM file as well, with covid_keras:

```python
import covid_keras
import tensorflow as tf

pixels = covid_keras.preprocess("scan.dcm", ".")  # or PNG, JPEG; uint8 (height, width)
model = tf.saved_model.load(".")
answer = model.serve_pixels(tf.constant(pixels[None, ..., None], tf.float32))
print(answer["label"].numpy()[0].decode(), answer["probabilities"].numpy().max())
```
"""


def write(trained: Trained, folder: Path) -> None:
    """Write the network into `folder`, for `tf.saved_model.load` without Keras.

    Endpoints:
        serve: image_bytes, string (N,), each a PNG or JPEG file -> {"label": string (N,),
            "probabilities": float32 (N, K), "features": float32 (N, D), "classes": string (K,)}.
            Decoding, body crop, resizing and normalisation are inside.
        serve_pixels: images, float32 (N, h, w, 1) in [0, 255], cropped and resized already ->
            the same.
    """
    model = answer_model(trained.network, trained.preprocessing)
    spec, classes = trained.recipe.input, tf.constant(trained.classes)

    def serve_pixels(images: tf.Tensor) -> dict[str, tf.Tensor]:
        outputs = model(images, training=False)
        label = tf.gather(classes, tf.argmax(outputs["probabilities"], axis=-1))
        return outputs | {"label": label, "classes": classes}

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
    """Load the endpoint `serve_pixels`, of a graph that only computes; see `harmless`."""
    check_savedmodel(folder)
    model = tf.saved_model.load(str(folder))

    def predict(images: np.ndarray) -> Outputs:
        answer = model.serve_pixels(tf.constant(images))
        return Outputs(*(answer[name].numpy() for name in Outputs._fields))

    return predict
