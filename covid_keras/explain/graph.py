"""Graphs of functional and sequential Keras models: opened, cut at a layer, ending in logits."""

import keras

from covid_keras.utils.backend import Tensor
from covid_keras.utils.errors import InputError
from covid_keras.utils.text import near_misses

PROBABILITIES = ("Softmax", "Sigmoid", "LogSoftmax")
"""Layers and operations that turn logits into probabilities."""
ACTIVATIONS = tuple(map(keras.activations.get, ("softmax", "sigmoid", "log_softmax", "linear")))
"""What a layer `Activation` may do to logits."""


def feature_map(model: keras.Model, name: str | None) -> keras.KerasTensor:
    """Return the feature map (B, h, w, C) that the layer `name` outputs.

    None is the last one whose h * w is not 1.

    Raises:
        InputError: There is no such layer, or it outputs something else.
    """
    if name is None:
        maps = [layer.output for layer in reversed(model.layers) if _has_map(layer)]
        if maps:
            return maps[0]
        expected = "expected a flat functional model with a feature map (B, h, w, C)"
        raise InputError(f"maps: {expected}. Received: {model.name}, without one")
    layers = {layer.name: layer for layer in model.layers}
    if name not in layers:
        raise InputError(f"layer {name!r} is unknown in {model.name}; {near_misses(name, layers)}")
    if not _has_map(layers[name]):
        shape = layers[name].output.shape
        expected = "expected a layer with a feature map (B, h, w, C) of more than one pixel"
        raise InputError(f"layer {name}: {expected}. Received: {shape}")
    return layers[name].output


def _has_map(layer: keras.Layer) -> bool:
    shape = getattr(layer.output, "shape", ())
    is_input = isinstance(layer, keras.layers.InputLayer)
    return len(shape) == 4 and tuple(shape[1:3]) != (1, 1) and not is_input


def flat(model: keras.Model) -> keras.Model:
    """Return the graph of the model, in which every layer is its own and is called once.

    It shares the model's layers where that can be, else it is a copy.

    Raises:
        InputError: There is no graph.
    """
    try:
        same = keras.Model(model.inputs[0], model.outputs[0], name=model.name)
        if _is_flat(model):
            return same
        copy = keras.models.clone_model(model, recursive=True)
        copy.set_weights(model.get_weights())
        opened = _opened(copy)
        copy = keras.models.clone_model(opened)  # each layer is called once again
        copy.set_weights(opened.get_weights())
    except (AttributeError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"maps: expected a functional or sequential model. Received: {model.name}: {reason}"
        ) from None
    return copy


def _is_flat(model: keras.Model) -> bool:
    """Return whether no layer is a model, and none was called in another graph before."""
    if any(isinstance(layer, keras.Model) for layer in model.layers):
        return False
    try:
        keras.Model(model.inputs, [layer.output for layer in model.layers])
    except ValueError:
        return False
    return True


def _opened(model: keras.Model) -> keras.Model:
    """Return the graph of the model's layers and of those in the models inside of it."""

    def part(layer: keras.Layer) -> keras.Layer:
        return _opened(layer) if isinstance(layer, keras.Model) else layer

    def call(layer: keras.Layer, *tensors, **options) -> Tensor:
        return (
            layer.call(*tensors) if isinstance(layer, keras.Model) else layer(*tensors, **options)
        )

    if not isinstance(model, keras.Sequential):
        return keras.models.clone_model(model, clone_function=part, call_function=call)
    outputs = inputs = keras.Input(batch_shape=model.input_shape)
    for layer in model.layers:
        outputs = call(part(layer), outputs)
    return keras.Model(inputs, outputs)


def logits_from(model: keras.Model, start: keras.KerasTensor) -> keras.Model:
    """Return the model from the tensor `start` to the logits; `model` itself is not changed.

    Raises:
        InputError: Some of the output does not depend on `start`.
    """
    makers = {id(operation.output): operation for operation in model.operations}
    outputs = model.outputs[0]
    while _is_activation(makers[id(outputs)]):
        outputs = makers[id(outputs)].input
    try:
        head = keras.Model(start, outputs)
    except ValueError:
        raise InputError(
            "maps: expected a feature map of more than one pixel, on which all of the output"
            " depends: another layer or larger images. Received:"
            f" {makers[id(start)].name} of {model.name}, input {model.input_shape[1:3]}"
        ) from None
    last = head.output_names[0]
    if getattr(makers[id(outputs)], "activation", None) in (None, keras.activations.linear):
        return head
    clone = keras.models.clone_model(head)
    clone.set_weights(head.get_weights())
    clone.get_layer(last).activation = keras.activations.linear
    return clone


def _is_activation(operation: keras.Operation) -> bool:
    if isinstance(operation, keras.layers.Activation):
        return operation.activation in ACTIVATIONS
    return type(operation).__name__ in PROBABILITIES
