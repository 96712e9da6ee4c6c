"""Freezing: layers that keep their first weights in training."""

import keras

from covid_keras.models.network import Network
from covid_keras.utils.errors import InputError


def freeze(model: keras.Model, network: Network, upto: str) -> None:
    """Freeze the layers of `model` up to a stage of its backbone.

    A frozen batch normalisation uses its stored statistics in training, too, and keeps them.

    Args:
        model: built from `network`, with or without a head.
        network: the row of `zoo`.
        upto: "" (nothing), "stem", "stage1", "stage2", ... (that stage and all before it) or
            "backbone" (all but the head).

    Raises:
        InputError: a stage that the network does not have.
    """
    if not upto:
        return
    if upto not in network.freezes:
        raise InputError(
            f"model.freeze: {network.name} takes {', '.join(network.freezes[1:])}. "
            f"Received: {upto!r}"
        )
    stage = network.freezes.index(upto) - 1
    last = "features" if upto == "backbone" else network.stages[stage]
    for layer in ancestors(model, last):
        layer.trainable = False


def ancestors(model: keras.Model, name: str) -> list[keras.Layer]:
    """The layer `name` of a flat graph and all layers that its output is computed from."""
    return keras.Model(model.inputs, model.get_layer(name).output).layers
