"""Networks: flat functional graphs, from a table (`zoo`), with weights by name or file.

Importing this package does not import Keras; building a network does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from covid_keras.models import registry
from covid_keras.utils.errors import InputError

if TYPE_CHECKING:
    import keras

__all__ = ["create_backbone", "create_model", "list_models"]


def list_models() -> list[str]:
    """Names of all networks, in the order of the table."""
    return list(registry.NETWORKS)


def create_backbone(
    name: str,
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    weights: str | None = None,
) -> keras.Model:
    """The network `name` without a head, as a flat functional graph.

    Args:
        name: one of `list_models()`.
        input_shape: (height, width, 3); sides may be None, and all are by default.
        weights: None (random), a name of the table's row, or a file; see `weights.load_weights`.

    Returns:
        A model from (B, H, W, 3) images, normalised as the row's `preprocessing` says, to the
        last feature map (B, h, w, C) after the final activation: the layer "features".

    Raises:
        InputError: unknown name, another number of channels than 3, weights that do not fit.
    """
    network = registry.get(name)
    input_shape = input_shape or (None, None, 3)
    if len(input_shape) != 3 or input_shape[-1] != 3:
        raise InputError(
            f"{name}: expected an input shape (height, width, 3). Received: {tuple(input_shape)}"
        )
    from covid_keras.models.weights import load_weights

    model = registry.family(name).backbone(name, tuple(input_shape))
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
    """The network `name` with a new head, as a flat functional graph.

    The last feature map is the output of the layer "features".

    Args:
        name, input_shape, weights: as in `create_backbone`.
        classes: number of outputs; 1 for a sigmoid.
        head: "linear": global average pooling and one dense layer of zeros (BiT). "dense": a
            dense layer with batch normalisation before the outputs (paper D). "original": the
            classifier that the network was published with, and its weights with the others'.
        activation: of the outputs, as "softmax" or "sigmoid"; None gives logits.
        dropout: rate in the head, before the outputs; 0 for none.
        freeze: what keeps its weights in training: "", "stem", "stage1", ..., "backbone".

    Returns:
        A model from (B, H, W, 3) to (B, classes), float32 under mixed precision as well.

    Raises:
        InputError: as `create_backbone`; fewer than one class; an unknown head or stage; a
            dropout rate outside of [0, 1).
    """
    import keras

    from covid_keras.models import heads
    from covid_keras.models.freeze import freeze as freeze_layers
    from covid_keras.models.weights import load_weights

    if classes < 1:
        raise InputError(f"{name}: expected one class or more. Received: classes={classes}")
    if not 0 <= dropout < 1:
        raise InputError(f"{name}: expected 0 <= dropout < 1. Received: {dropout}")
    network = registry.get(name)
    add_head = _original_head(name) if head == "original" else heads.get(head)
    backbone = create_backbone(name, input_shape=input_shape)
    outputs = add_head(backbone.output, classes, activation, dropout)
    model = keras.Model(backbone.input, outputs, name=backbone.name)
    load_weights(model, weights, network, top=head == "original")
    freeze_layers(model, network, freeze)
    return model


def _original_head(name: str):
    if not hasattr(registry.family(name), "original_head"):
        raise InputError(f"{name}: its published classifier is not built; use head=linear")
    return registry.family(name).original_head
