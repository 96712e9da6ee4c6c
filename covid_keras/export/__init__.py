"""Export trained networks for other programs: one module per format."""

FORMATS = ("savedmodel", "openvino", "onnx", "litert")
"""Formats of `covid-keras export --format`. Each is a module of this package with the functions
`write(trained, folder)` and `load(folder)`."""
