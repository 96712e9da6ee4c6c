"""An inference copy of a network: fewer and simpler layers, the same outputs.

At inference a batch normalisation is one multiply-add per channel, which is merged into the
weights of the convolution before it; a standardised kernel is a constant.
"""

from collections import Counter

import keras
import numpy as np
from keras import layers, ops

from covid_keras.models.grouped import GroupedConv2D
from covid_keras.models.layers import StandardizedConv2D
from covid_keras.utils.backend import Tensor

KERNEL_LAYERS = (layers.Conv2D, layers.DepthwiseConv2D, layers.SeparableConv2D, layers.Dense)
KERNEL_LAYERS += (GroupedConv2D, StandardizedConv2D)
"""Layers that use each kernel once, in full, for every pixel of the output."""

KEPT = ("features", "pool", "head")
"""Names that Grad-CAM and others look up; such a layer stays, if only as an identity."""


def fold(model: keras.Model) -> keras.Model:
    """Return a copy of `model` with the outputs of `model(x, training=False)`, up to rounding.

    - `StandardizedConv2D` becomes `Conv2D` with the standardised kernel and the same padding.
    - `BatchNormalization` is merged into the convolution or dense layer before it, if that layer
      has no activation and nothing else reads its output. Otherwise it stays.
    - Dropout is removed.

    Layers that stay keep their names, as do inputs and outputs. Weights are computed in float64
    and stored in the variables' own type, float32 under mixed precision. The copy is flat if
    `model` is, can be saved, and is frozen: it has no statistics to train with.

    Raises:
        ValueError: `model` is not functional.
    """
    absorbed = _absorbed(model)
    gone = {norm.name for norms in absorbed.values() for norm in norms}
    gone |= {layer.name for layer in model.layers if isinstance(layer, layers.Dropout)}
    kept = {*KEPT, *model.output_names}
    originals = {operation.name: operation for operation in model.operations}

    def clone(layer) -> keras.Layer:
        if layer.name in gone:
            return layers.Identity(name=layer.name, dtype=layer.dtype_policy)
        return _replacement(layer, biased=layer.name in absorbed)

    def call(layer, *args, **kwargs) -> Tensor:
        if layer.name in gone:
            same = layer.name not in kept and args[0].dtype == layer.compute_dtype
            return args[0] if same else layer(args[0])
        padding = _padding_before(originals[layer.name])
        return layer(padding(args[0]), **kwargs) if padding else layer(*args, **kwargs)

    folded = keras.models.clone_model(model, clone_function=clone, call_function=call)
    for layer in model.layers:
        if layer.weights and layer.name not in gone:
            folded.get_layer(layer.name).set_weights(_weights(layer, absorbed.get(layer.name, [])))
    folded.trainable = False
    return folded


def _absorbed(model: keras.Model) -> dict[str, list[layers.BatchNormalization]]:
    """Return {name of a layer: the batch normalisations to merge into it, in order}."""
    by_depth = getattr(model, "_nodes_by_depth", None)
    if by_depth is None:
        raise ValueError(f"fold: expected a functional model. Received: {type(model).__name__}")
    nodes = [node for depth in sorted(by_depth, reverse=True) for node in by_depth[depth]]
    calls = Counter(id(node.operation) for node in nodes)
    readers = Counter(id(x) for node in nodes for x in node.input_tensors)
    readers.update(id(x) for x in model.outputs)
    hosts, absorbed = {}, {}
    for node in nodes:
        layer = node.operation
        if calls[id(layer)] > 1:
            continue
        if _is_host(layer):
            hosts[id(node.output_tensors[0])] = layer
        elif isinstance(layer, layers.BatchNormalization):
            source = node.input_tensors[0]
            host = hosts.get(id(source))
            over_channels = layer.axis in (-1, len(source.shape) - 1)
            same_dtype = host is not None and layer.compute_dtype == host.compute_dtype
            if same_dtype and over_channels and readers[id(source)] == 1:
                absorbed.setdefault(host.name, []).append(layer)
                hosts[id(node.output_tensors[0])] = host
    return absorbed


def _is_host(layer: keras.Operation) -> bool:
    """Return whether a batch normalisation can be merged into `layer` (but not a subclass)."""
    linear = getattr(layer, "activation", None) in (None, keras.activations.linear)
    channels_last = getattr(layer, "data_format", "channels_last") == "channels_last"
    return type(layer) in KERNEL_LAYERS and linear and channels_last


def _replacement(layer: keras.Operation, biased: bool) -> keras.Operation:
    """Return a new layer, not built yet, that computes the same; with a bias if `biased`."""
    if isinstance(layer, StandardizedConv2D):
        padding = "same" if layer.strides == 1 else "valid"
        options = {"use_bias": biased, "name": layer.name, "dtype": layer.dtype_policy}
        return layers.Conv2D(layer.filters, layer.kernel_size, layer.strides, padding, **options)
    return type(layer).from_config(layer.get_config() | ({"use_bias": True} if biased else {}))


def _padding_before(layer: keras.Operation) -> layers.Layer | None:
    """Return the padding that a plain convolution needs to pad as this layer does, or None."""
    if not isinstance(layer, StandardizedConv2D) or layer.strides == 1 or layer.kernel_size == 1:
        return None
    side = (layer.kernel_size - 1) // 2
    return layers.ZeroPadding2D(side, name=f"{layer.name}.pad", dtype=layer.dtype_policy)


def _weights(layer: layers.Layer, norms: list[layers.BatchNormalization]) -> list[np.ndarray]:
    """Return the replacement's weights, in its order: (other kernels), kernel, bias."""
    weights = layer.get_weights()
    if isinstance(layer, StandardizedConv2D):
        weights = [ops.convert_to_numpy(layer.standardized_kernel())]
    if not norms:
        return weights
    bias = weights.pop() if getattr(layer, "use_bias", False) else 0
    *others, kernel = weights
    for norm in norms:
        scale, shift = _scale_and_shift(norm)
        outputs = kernel.shape[2:] if isinstance(layer, layers.DepthwiseConv2D) else (-1,)
        kernel = kernel * scale.reshape(outputs)
        bias = bias * scale + shift
    return [*others, kernel, bias]


def _scale_and_shift(norm: layers.BatchNormalization) -> tuple[np.ndarray, np.ndarray]:
    """Return scale and shift, float64 (C,) each: at inference the layer is x * scale + shift."""
    mean, variance = (np.asarray(w, "float64") for w in (norm.moving_mean, norm.moving_variance))
    scale = (np.asarray(norm.gamma) if norm.scale else 1) / np.sqrt(variance + norm.epsilon)
    return scale, (np.asarray(norm.beta) if norm.center else 0) - mean * scale
