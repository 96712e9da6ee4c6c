"""OpenVINO: model.xml and model.bin, from pixels to probabilities."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

from covid_keras.export.endpoint import Predictor, temporary_savedmodel
from covid_keras.runs.inference import Trained
from covid_keras.utils.optional import need


def write(trained: Trained, folder: Path) -> None:
    """Write the network into `folder`. Raises InputError if openvino is not installed."""
    openvino = import_openvino()
    with temporary_savedmodel(trained) as saved:
        openvino.serialize(openvino.Core().read_model(saved), folder / "model.xml")


def load(folder: Path) -> Predictor:
    """Load the network for the CPU, in float32. Raises InputError if openvino is not installed."""
    options = {"INFERENCE_PRECISION_HINT": "f32"}  # the default may be bfloat16
    model = import_openvino().Core().compile_model(folder / "model.xml", "CPU", options)
    return lambda images: model({"images": images})["probabilities"]


def import_openvino() -> ModuleType:
    """Import openvino without openvino_telemetry, which reports to Intel: it uses a stub then."""
    need("openvino", "--format openvino", "openvino")
    sys.modules.setdefault("openvino_telemetry", None)
    return importlib.import_module("openvino")
