"""OpenVINO: model.xml and model.bin, from pixels to `Outputs`."""

from __future__ import annotations

import importlib
import logging
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from covid_keras.export import Outputs, Predictor
from covid_keras.utils.optional import need

if TYPE_CHECKING:
    import openvino

    from covid_keras.runs.inference import Trained

EXAMPLE = """
With `pip install 'covid-keras[openvino]'`, without TensorFlow in the process:

```python
import json, sys

import covid_keras
sys.modules["openvino_telemetry"] = None  # it would report to Intel
import openvino

pixels = covid_keras.preprocess("scan.png", ".")  # or JPEG, DICOM; uint8 (height, width)
exact = {"INFERENCE_PRECISION_HINT": "f32"}
model = openvino.Core().compile_model("model.xml", "CPU", exact)
answer = model({"images": pixels[None, ..., None].astype("float32")})["probabilities"][0]
classes = json.load(open("covid_keras.json"))["classes"]
print(classes[answer.argmax()], answer.max())
```
"""


def write(trained: Trained, folder: Path, calibration: np.ndarray | None = None) -> None:
    """Write the network into `folder`, in eight bits by NNCF with images to calibrate with.

    Raises:
        InputError: openvino, or nncf for eight bits, is not installed.
    """
    from covid_keras.export.endpoint import temporary_savedmodel  # imports TensorFlow

    openvino = import_openvino()
    with temporary_savedmodel(trained) as saved:
        model = openvino.Core().read_model(saved)
        if calibration is not None:
            model = _quantised(model, calibration)
        openvino.serialize(model, folder / "model.xml")


def load(folder: Path) -> Predictor:
    """Load the network for the CPU, in float32. Raises InputError if openvino is not installed."""
    options = {"INFERENCE_PRECISION_HINT": "f32"}  # the default may be bfloat16
    model = import_openvino().Core().compile_model(folder / "model.xml", "CPU", options)

    def predict(images: np.ndarray) -> Outputs:
        answer = model({"images": images})
        return Outputs(*(answer[name] for name in Outputs._fields))

    return predict


def _quantised(model: openvino.Model, calibration: np.ndarray) -> openvino.Model:
    """Return the model with convolutions and products in eight bits."""
    need("nncf", "--int8 --format openvino", "int8")
    import nncf

    nncf.set_log_level(logging.ERROR)
    images = nncf.Dataset(calibration, lambda image: {"images": image[None].astype("float32")})
    return nncf.quantize(model, images, subset_size=len(calibration))


def import_openvino() -> ModuleType:
    """Import openvino without openvino_telemetry, which reports to Intel: it uses a stub then."""
    need("openvino", "--format openvino", "openvino")
    sys.modules.setdefault("openvino_telemetry", None)
    return importlib.import_module("openvino")
