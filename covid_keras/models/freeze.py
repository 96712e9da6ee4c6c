"""Freezing: layers whose weights are not trained."""

import keras

from covid_keras.models.network import Network
from covid_keras.utils.errors import InputError


def freeze(model: keras.Model, network: Network, upto: str) -> None:
    """Freeze the layers of `model` up to a stage of its backbone.

    A frozen batch normalisation uses its stored statistics, and keeps them, in training as well.

    Args:
        model: built from `network`, with or without a head.
        network: its row of the table.
        upto: "" (nothing), "stem", "stage1", "stage2", ... (that stage and all before it) or
            "backbone" (all but the head).

    Raises:
        InputError: the network has no such stage.
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
    """Return the layer `name` of a flat graph and all layers that lead to it."""
    return keras.Model(model.inputs, model.get_layer(name).output).layers
