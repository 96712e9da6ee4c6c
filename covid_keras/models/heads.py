"""Heads: from the last feature map to logits, and from logits to probabilities.

A head takes (B, h, w, C) or pooled (B, C) to (B, classes) float32, also under mixed precision. Its
layers are called "head" (the one that gives the outputs) and "head.<part>".
"""

from collections.abc import Callable

import keras
from keras import layers, ops

from covid_keras.utils.backend import Tensor
from covid_keras.utils.errors import InputError
from covid_keras.utils.text import near_misses

DENSE_UNITS = 256
"""Width of the dense layer in the head `dense`; paper D does not give it."""


def linear(features, classes: int, activation: str | None, dropout: float) -> keras.KerasTensor:
    """Add global average pooling ("pool") and one dense layer of zeros, as in BiT."""
    return outputs(pooled(features), classes, activation, dropout, kernel_initializer="zeros")


def dense(features, classes: int, activation: str | None, dropout: float) -> keras.KerasTensor:
    """Add paper D's head: pooling, `DENSE_UNITS` units with batch norm and ReLU, outputs."""
    x = pooled(features)
    x = layers.Dense(DENSE_UNITS, use_bias=False, name="head.dense", dtype="float32")(x)
    x = layers.BatchNormalization(name="head.norm", dtype="float32")(x)
    x = layers.ReLU(name="head.relu", dtype="float32")(x)
    return outputs(x, classes, activation, dropout)


def published(features, classes: int, activation: str | None, dropout: float) -> keras.KerasTensor:
    """Add global average pooling and one dense layer that starts as PyTorch's."""
    return outputs(pooled(features), classes, activation, dropout, **torch_start(features))


def torch_start(features: keras.KerasTensor) -> dict[str, keras.initializers.Initializer]:
    """Return how PyTorch starts an output layer: kernel and bias uniform in +-1/sqrt(fan in).

    The layer's inputs are the channels of `features`. LAMB scales a step by the length of the
    weights, so it cannot train a layer that starts at zero.
    """
    limit = features.shape[-1] ** -0.5
    names = ("kernel_initializer", "bias_initializer")
    return {name: keras.initializers.RandomUniform(-limit, limit) for name in names}


def pooled(features: keras.KerasTensor) -> keras.KerasTensor:
    """Return the mean over the feature map, float32 (B, C); a vector is returned unchanged."""
    if len(features.shape) == 2:
        return layers.Identity(name="pool", dtype="float32")(features)
    return layers.GlobalAveragePooling2D(name="pool", dtype="float32")(features)


def outputs(x, classes: int, activation: str | None, dropout: float, **start) -> keras.KerasTensor:
    """Add dropout and the dense layer "head"; `start` holds its initialisers."""
    if dropout:
        x = layers.Dropout(dropout, name="head.dropout", dtype="float32")(x)
    return layers.Dense(classes, activation, name="head", dtype="float32", **start)(x)


HEADS = {"linear": linear, "dense": dense}


def get(name: str) -> Callable[..., keras.KerasTensor]:
    """Return the head `name`. Raises InputError, with similar names, if it is unknown."""
    if name not in HEADS:
        raise InputError(f"head {name!r} is unknown; {near_misses(name, HEADS)}")
    return HEADS[name]


def is_head(layer_name: str) -> bool:
    """Return whether a layer belongs to a head, and so not to a backbone's weights."""
    return layer_name.split(".")[0] == "head"


def class_probabilities(logits) -> Tensor:
    """Return float32 (B, K) from logits (B, K); (B, 2) from (B, 1), the second class's logit."""
    logits = ops.cast(logits, "float32")
    if logits.shape[-1] > 1:
        return ops.softmax(logits, axis=-1)
    return ops.concatenate([ops.sigmoid(-logits), ops.sigmoid(logits)], axis=-1)
