"""Networks: flat functional graphs, from a table (`zoo`), with weights by name or file.

Importing this package does not import Keras; building a network does.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from covid_keras.errors import InputError
from covid_keras.models import zoo

if TYPE_CHECKING:
    import keras

__all__ = ["create_backbone", "create_model", "list_models"]


def list_models() -> list[str]:
    """Names of all networks, in the order of the table."""
    return list(zoo.NETWORKS)


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
        last feature map (B, h, w, C) after the final activation: the row's `gradcam_layer`.

    Raises:
        InputError: unknown name, another number of channels than 3, weights that do not fit.
    """
    network = zoo.get(name)
    input_shape = input_shape or (None, None, network.preprocessing.channels)
    if len(input_shape) != 3 or input_shape[-1] != network.preprocessing.channels:
        raise InputError(
            f"{name}: expected an input shape (height, width, {network.preprocessing.channels}). "
            f"Received: {tuple(input_shape)}"
        )
    family = importlib.import_module(f"covid_keras.models.{network.family}")
    model = family.backbone(name, tuple(input_shape))
    if weights:
        from covid_keras.models.weights import load_weights

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
) -> keras.Model:
    """The network `name` with a new head, as a flat functional graph.

    The pooled features are the output of the layer "pool", the last feature map that of the
    row's `gradcam_layer`.

    Args:
        name, input_shape, weights: as in `create_backbone`.
        classes: number of outputs; 1 for a sigmoid.
        head: "linear": global average pooling and one dense layer of zeros.
        activation: of the outputs, as "softmax"; None gives logits.

    Returns:
        A model from (B, H, W, 3) to (B, classes), float32 under mixed precision as well.

    Raises:
        InputError: as `create_backbone`; fewer than one class; an unknown head.
    """
    import keras

    from covid_keras.models import heads

    if classes < 1:
        raise InputError(f"{name}: expected one class or more. Received: classes={classes}")
    add_head = heads.get(head)
    backbone = create_backbone(name, input_shape=input_shape, weights=weights)
    outputs = add_head(backbone.output, classes, activation)
    return keras.Model(backbone.input, outputs, name=name)
