"""Freezing: layers whose weights are not trained."""

import keras

from covid_keras.models.network import Network
from covid_keras.utils.errors import InputError


def freeze(model: keras.Model, network: Network, upto: str) -> None:
    """Freeze the layers of `model` up to a stage of its backbone.

    A frozen batch normalisation uses its stored statistics, and keeps them, in training as well.

    Args:
        model: built from `network`, with or without a head.
        upto: "" (nothing), "stem", "stage1", "stage2", ... (that stage and all before it) or
            "backbone" (all but the head); an InputError for a stage that the network lacks.
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
    for layer in keras.Model(model.inputs, model.get_layer(last).output).layers:
        layer.trainable = False
