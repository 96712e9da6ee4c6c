"""Floating point operations of a network, counted from the shapes in its graph."""

import math
from collections.abc import Callable

import keras

from covid_keras.models.fold import KERNEL_LAYERS
from covid_keras.utils.backend import Tensor

TRAINING = 3
"""Cost of a training step in forward passes: the pass, the gradients of inputs and of kernels."""


def flops(model: keras.Model, input_shape: tuple[int, int, int]) -> int:
    """Return the floating point operations of a forward pass of one image (height, width, C).

    Two for each multiply-add of a convolution or dense layer; a grouped kernel counts only its own
    group. Biases, normalisations, activations, pooling and the standardisation of kernels are
    small beside these and not counted. Training costs `TRAINING` times as much.

    Args:
        model: a flat functional model with one input; its variables need no values.

    Raises:
        ValueError: a layer with a kernel whose cost is not known here, such as a nested model.
    """
    multiplications = []

    def counting(operation: keras.Operation) -> Callable:
        def call(*args, **kwargs) -> Tensor:
            outputs = operation.compute_output_spec(*args, **kwargs)
            multiplications.append(_multiplications(operation, outputs))
            return outputs

        return call

    image = keras.KerasTensor((1, *input_shape), dtype=model.inputs[0].dtype)
    model._run_through_graph(image, operation_fn=counting)
    return 2 * sum(multiplications)


def _multiplications(operation: keras.Operation, outputs) -> int:
    kernels = [w for w in getattr(operation, "weights", []) if len(w.shape) > 1]
    if not kernels:
        return 0
    if not isinstance(operation, KERNEL_LAYERS):
        raise ValueError(
            f"flops: expected one of {', '.join(kind.__name__ for kind in KERNEL_LAYERS)}. "
            f"Received: {type(operation).__name__} {operation.name!r}"
        )
    places = math.prod(outputs.shape[1:-1])
    return places * sum(math.prod(kernel.shape) for kernel in kernels)
