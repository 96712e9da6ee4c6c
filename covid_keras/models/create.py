"""Build and load networks: flat functional graphs, with weights by name or file."""

from pathlib import Path

import keras

from covid_keras.models import heads, hub, registry
from covid_keras.models.network import Network
from covid_keras.models.weights.load import load_weights
from covid_keras.utils.errors import InputError


def create_backbone(
    name: str,
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    weights: str | None = None,
) -> keras.Model:
    """Build the network `name` without a head, as a flat functional graph.

    >>> covid_keras.create_backbone("squeezenet", input_shape=(64, 64, 3)).output.shape
    (None, 3, 3, 512)

    Args:
        name: one of `list_models()`, or "hub:HANDLE".
        input_shape: (height, width, 3); None, or a side that is None, leaves the size open.
        weights: None (random), a name in the network's row, or a file; see `load_weights`.

    Returns:
        A model from (B, H, W, 3) images, normalised as the row's `preprocessing` says, to the
        last feature map (B, h, w, C) after the final activation: the layer "features".

    Raises:
        InputError: unknown name, not three channels, a side that is too small for the network,
            weights that do not match.
    """
    network = registry.get(name)
    input_shape = input_shape or (None, None, 3)
    if len(input_shape) != 3 or input_shape[-1] != 3:
        raise InputError(
            f"{name}: expected an input shape (height, width, 3). Received: {tuple(input_shape)}"
        )
    smallest = network.smallest
    if any(side is not None and side < smallest for side in input_shape[:2]):
        raise InputError(
            f"{name}: expected images of {smallest}x{smallest} pixels or more."
            f" Received: input_shape={tuple(input_shape)}"
        )
    images = keras.Input(input_shape, name="image")
    model = keras.Model(images, network.graph(images), name=name.split(":")[0])
    load_weights(model, weights, network)
    return model


def create_model(
    name: str,
    *,
    classes: int,
    input_shape: tuple[int | None, int | None, int] | None = None,
    weights: str | None = None,
    head: str = "linear",
    activation: str | None = None,
    dropout: float = 0.0,
    freeze: str = "",
) -> keras.Model:
    """Build the network `name` with a new head, as a flat functional graph.

    >>> model = covid_keras.create_model("squeezenet", classes=3, input_shape=(64, 64, 3))
    >>> [layer.name for layer in model.layers[-3:]], model.output.shape
    (['features', 'pool', 'head'], (None, 3))

    Args:
        name, input_shape, weights: as in `create_backbone`.
        classes: number of outputs; 1 for a sigmoid.
        head: "linear": global average pooling and one dense layer of zeros (BiT). "dense": a
            dense layer with batch normalisation before the outputs (paper D). "original": the
            published classifier. Its weights are loaded, too, if the file has as many classes;
            otherwise the outputs are new and start as PyTorch's (BiT's at zero).
        activation: of the outputs, such as "softmax" or "sigmoid"; None gives logits.
        dropout: rate in the head, before the outputs; 0 for none, or for the published rate of
            the head "original".
        freeze: layers that are not trained: "", or up to "stem", "stage1", ..., "backbone".

    Returns:
        A model from (B, H, W, 3) to (B, classes), float32 also under mixed precision.

    Raises:
        InputError: as `create_backbone`; fewer than one class; an unknown head or stage; a
            dropout rate outside of [0, 1).
    """
    if classes < 1:
        raise InputError(f"{name}: expected one class or more. Received: classes={classes}")
    if not 0 <= dropout < 1:
        raise InputError(f"{name}: expected 0 <= dropout < 1. Received: {dropout}")
    network = registry.get(name)
    if head == "original":
        add_head, dropout = network.original_head or heads.published, dropout or network.dropout
    else:
        add_head = heads.get(head)
    backbone = create_backbone(name, input_shape=input_shape)
    outputs = add_head(backbone.output, classes, activation, dropout)
    model = keras.Model(backbone.input, outputs, name=backbone.name)
    load_weights(model, weights, network, top="fitting" if head == "original" else "none")
    freeze_layers(model, network, freeze)
    return model


def freeze_layers(model: keras.Model, network: Network, upto: str) -> None:
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


def load_model(path: Path, name: str, **arguments) -> keras.Model:
    """Build a trained network and read its weights from a .keras file.

    Only tensors are read: the configuration in a .keras file can name code to run.

    Args:
        name, arguments: as in `create_model`, without `weights`.

    Raises:
        InputError: as `create_model`; a TensorFlow Hub module that is not on this machine.
    """
    if name.startswith(hub.PREFIX):
        hub.resolve(name.removeprefix(hub.PREFIX), fetch=False)
    model = create_model(name, **arguments)
    load_weights(model, path, registry.get(name), top="all")
    return model
