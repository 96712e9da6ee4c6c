"""LiteRT (TensorFlow Lite): model.tflite, from pixels to `Outputs`."""

import os
import warnings
from pathlib import Path

import numpy as np
import tensorflow as tf

from covid_keras.export import Outputs, Predictor
from covid_keras.export.endpoint import temporary_savedmodel
from covid_keras.export.harmless import check_tflite
from covid_keras.runs.inference import Trained

EXAMPLE = """
With TensorFlow's interpreter, and covid_keras for the pixels:

```python
import json

import covid_keras
import tensorflow as tf

pixels = covid_keras.preprocess("scan.png", ".")  # or JPEG, DICOM; uint8 (height, width)
serve = tf.lite.Interpreter("model.tflite").get_signature_runner("serve")
answer = serve(images=pixels[None, ..., None].astype("float32"))["probabilities"][0]
classes = json.load(open("covid_keras.json"))["classes"]
print(classes[answer.argmax()], answer.max())
```
"""


def write(trained: Trained, folder: Path, calibration: np.ndarray | None = None) -> None:
    """Write the network into `folder`, in eight bits with images to calibrate with."""
    with temporary_savedmodel(trained) as saved:
        converter = tf.lite.TFLiteConverter.from_saved_model(saved, signature_keys=["serve"])
        if calibration is not None:
            images = (image[None].astype("float32") for image in calibration)
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.representative_dataset = lambda: (("serve", {"images": i}) for i in images)
        (folder / "model.tflite").write_bytes(converter.convert())


def load(folder: Path) -> Predictor:
    """Load the network into TensorFlow's own interpreter, if it has no other operations."""
    check_tflite(folder / "model.tflite")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*tf.lite.Interpreter is deprecated")
        interpreter = tf.lite.Interpreter(str(folder / "model.tflite"), num_threads=os.cpu_count())
    serve = interpreter.get_signature_runner("serve")
    return lambda images: Outputs(**serve(images=images))
