"""How published weights files name and store the tensors of a network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Slot:
    """One variable of a model, with its layer."""

    layer: keras.Layer
    index: int
    """Position among the layer's weights."""
    variable: keras.Variable


def _as_stored(slot: Slot) -> tuple[int, ...]:
    return tuple(range(len(slot.variable.shape)))


@dataclass(frozen=True)
class Layout:
    """How one kind of file names and stores the tensors of a network."""

    name: Callable[[Slot], str | None]
    """The tensor's name in the file; None if published files do not have it (it stays random)."""
    axes: Callable[[Slot], tuple[int, ...]] = _as_stored
    """The permutation from the stored tensor's axes to Keras'."""
    canonical: Callable[[str], str | None] = lambda name: name
    """A name read from a file, as `name` spells it; None for a tensor to skip."""
    head: str | tuple[str, ...] = ()
    """How the canonical names of the published classifier's tensors begin."""
    refusal: Callable[[str], str | None] = lambda name: None
    """Why no file with a tensor of this name can be loaded; None if it can."""


_TORCH_WEIGHTS = {
    **dict.fromkeys(("kernel", "gamma"), "weight"),
    **dict.fromkeys(("beta", "bias"), "bias"),
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
"""Keras' names of variables to PyTorch's."""


def torch_layout(
    head: str,
    layer_name: Callable[[str], str] = lambda name: name,
    canonical: Callable[[str], str] = lambda name: name,
    refusal: Callable[[str], str | None] = lambda name: None,
) -> Layout:
    """Return the layout of a state dict of PyTorch.

    Args:
        head: path of the published classifier's last layer.
        layer_name: from our name of a layer to the module path in PyTorch.
    """

    def name(slot: Slot) -> str:
        path = head if slot.layer.name == "head" else layer_name(slot.layer.name)
        return f"{path}.{_TORCH_WEIGHTS[slot.variable.name]}"

    return Layout(
        name=name,
        axes=torch_axes,
        # Keras does not keep the counters of batch normalisation.
        canonical=lambda name: None if name.endswith(".num_batches_tracked") else canonical(name),
        head=f"{head}.",
        refusal=refusal,
    )


def torch_axes(slot: Slot) -> tuple[int, ...]:
    """Return the axes from PyTorch's OIHW and (out, in) to Keras' HWIO and (in, out)."""
    if type(slot.layer).__name__ == "DepthwiseConv2D":
        return (2, 3, 0, 1)
    return {1: (0,), 2: (1, 0), 4: (2, 3, 1, 0)}[len(slot.variable.shape)]
