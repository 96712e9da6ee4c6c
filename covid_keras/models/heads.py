"""Heads: from the last feature map to logits.

A head's layers are called "head" (the one that gives the outputs) and "head.<part>".
"""

import keras
from keras import layers

from covid_keras.utils.errors import InputError
from covid_keras.utils.text import near_misses

DENSE_UNITS = 256
"""Width of the dense layer in the head `dense`; paper D does not say."""


def linear(
    features: keras.KerasTensor, classes: int, activation: str | None, dropout: float
) -> keras.KerasTensor:
    """Global average pooling ("pool") and one dense layer of zeros, as in BiT.

    (B, h, w, C) or pooled (B, C) to (B, classes) float32, under mixed precision as well.
    """
    x = pooled(features)
    if dropout:
        x = layers.Dropout(dropout, name="head.dropout", dtype="float32")(x)
    return layers.Dense(
        classes, activation, kernel_initializer="zeros", name="head", dtype="float32"
    )(x)


def dense(
    features: keras.KerasTensor, classes: int, activation: str | None, dropout: float
) -> keras.KerasTensor:
    """Paper D's: pooling, a dense layer of `DENSE_UNITS` with batch norm and dropout, outputs.

    (B, h, w, C) or pooled (B, C) to (B, classes) float32, under mixed precision as well.
    """
    x = pooled(features)
    x = layers.Dense(DENSE_UNITS, use_bias=False, name="head.dense", dtype="float32")(x)
    x = layers.BatchNormalization(name="head.norm", dtype="float32")(x)
    x = layers.ReLU(name="head.relu", dtype="float32")(x)
    if dropout:
        x = layers.Dropout(dropout, name="head.dropout", dtype="float32")(x)
    return layers.Dense(classes, activation, name="head", dtype="float32")(x)


def pooled(features: keras.KerasTensor) -> keras.KerasTensor:
    """The mean over the feature map, float32 (B, C); a vector is passed on as it is."""
    if len(features.shape) == 2:
        return layers.Identity(name="pool", dtype="float32")(features)
    return layers.GlobalAveragePooling2D(name="pool", dtype="float32")(features)


HEADS = {"linear": linear, "dense": dense}


def get(name: str):
    """The head called `name`. Raises InputError, with the near misses, where there is none."""
    if name not in HEADS:
        raise InputError(f"head {name!r} is unknown; {near_misses(name, HEADS)}")
    return HEADS[name]


def is_head(layer_name: str) -> bool:
    """True for the layers that belong to a head and have no place in a backbone's weights."""
    return layer_name.split(".")[0] == "head"
