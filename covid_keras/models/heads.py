"""Heads: from the last feature map to logits."""

import difflib

import keras
from keras import layers

from covid_keras.errors import InputError

HEAD = "head"
"""Name of the head's layer; the layers of a head with several are called "head.<part>"."""


def linear(features: keras.KerasTensor, classes: int, activation: str | None) -> keras.KerasTensor:
    """Global average pooling ("pool") and one dense layer ("head") of zeros, as in BiT.

    (B, h, w, C) to (B, classes) float32, under mixed precision as well.
    """
    pooled = layers.GlobalAveragePooling2D(name="pool", dtype="float32")(features)
    return layers.Dense(
        classes, activation, kernel_initializer="zeros", name=HEAD, dtype="float32"
    )(pooled)


HEADS = {"linear": linear}


def get(name: str):
    """The head called `name`. Raises InputError, with the near misses, where there is none."""
    if name not in HEADS:
        near = difflib.get_close_matches(name, HEADS, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(HEADS)}"
        raise InputError(f"head {name!r} is unknown; {hint}")
    return HEADS[name]


def is_head(layer_name: str) -> bool:
    """True for the layers that belong to a head and have no place in a backbone's weights."""
    return layer_name.split(".")[0] == HEAD
