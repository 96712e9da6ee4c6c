"""ONNX: model.onnx, from pixels to `Outputs`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from covid_keras.export import Outputs, Predictor
from covid_keras.utils.optional import need

if TYPE_CHECKING:
    from covid_keras.runs.inference import Trained

OPSET = 17

EXAMPLE = """
With `pip install 'covid-keras[onnx]'`, without TensorFlow in the process:

```python
import json

import covid_keras
import onnxruntime

pixels = covid_keras.preprocess("scan.png", ".")  # or JPEG, DICOM; uint8 (height, width)
session = onnxruntime.InferenceSession("model.onnx", providers=["CPUExecutionProvider"])
images = pixels[None, ..., None].astype("float32")
answer = session.run(["probabilities"], {"images": images})[0][0]
classes = json.load(open("covid_keras.json"))["classes"]
print(classes[answer.argmax()], answer.max())
```
"""


def write(trained: Trained, folder: Path) -> None:
    """Write the network into `folder`. Raises InputError if onnx or tf2onnx is not installed."""
    for package in ("onnx", "tf2onnx"):
        need(package, "--format onnx", "onnx")
    import onnx
    import tf2onnx

    from covid_keras.export.endpoint import pixel_endpoint  # imports TensorFlow

    _, serve = pixel_endpoint(trained)
    model, _ = tf2onnx.convert.from_function(serve, serve.input_signature, opset=OPSET)
    _keep_zeros_before_pools(model)
    onnx.save(model, folder / "model.onnx")


def load(folder: Path) -> Predictor:
    """Load the network for the CPU. Raises InputError if onnxruntime is not installed."""
    need("onnxruntime", f"{folder}: an ONNX model", "onnx")
    import onnxruntime

    cpu = ["CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(folder / "model.onnx", providers=cpu)
    return lambda images: Outputs(*session.run(Outputs._fields, {"images": images}))


def _keep_zeros_before_pools(model) -> None:
    """Pad with 1e-7 instead of 0 in front of every max pooling of an ONNX graph.

    ONNX Runtime (PadFusion, seen in 1.31) moves a padding with zeros into the pooling behind it,
    where it pads with minus infinity. BiT would be off by 0.2 of the largest value.
    """
    import onnx

    graph = model.graph
    pooled = {node.input[0] for node in graph.node if node.op_type == "MaxPool"}
    padded = [each for each in graph.node if each.op_type == "Pad" and each.output[0] in pooled]
    value = onnx.numpy_helper.from_array(np.array(1e-7, "float32"), "almost_zero")
    graph.initializer.extend([value] if padded else [])
    for node in padded:
        del node.input[2:]
        node.input.append(value.name)
