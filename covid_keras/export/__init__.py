"""Trained networks for other programs."""

FORMATS = ("savedmodel", "openvino", "onnx", "litert")
"""What `covid-keras export --format` takes; `formats.EXPORTERS` holds their functions."""
