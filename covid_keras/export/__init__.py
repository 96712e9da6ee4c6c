"""Export trained networks for other programs: one module per format."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

FORMATS = ("savedmodel", "openvino", "onnx", "litert")
"""Formats of `covid-keras export --format`. Each is a module of this package with the functions
`write(trained, folder)` and `load(folder)`, and the part of README.md about it, `EXAMPLE`."""
INT8 = ("openvino", "litert")
"""Formats of `--int8`: their `write` takes, third, images uint8 (N, h, w, 1) to calibrate with."""
WITHOUT_TENSORFLOW = ("openvino", "onnx")
"""Formats that are loaded without TensorFlow; their modules import it where they write."""


class Outputs(NamedTuple):
    """What an exported network gives for N images."""

    probabilities: np.ndarray
    """float32 (N, K), in the order of the classes."""
    features: np.ndarray
    """float32 (N, D): the mean over the last feature map."""


Predictor = Callable[[np.ndarray], Outputs]
"""From images, float32 (N, h, w, 1) in [0, 255], cropped and resized already."""
