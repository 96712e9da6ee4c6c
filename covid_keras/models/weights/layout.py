"""How the tensors of a family are called and stored in the files that others publish."""

from collections.abc import Callable
from dataclasses import dataclass

import keras


@dataclass(frozen=True)
class Slot:
    """One variable of a model, and its place."""

    layer: keras.Layer
    index: int
    """Place among the layer's weights."""
    variable: keras.Variable

    @property
    def place(self) -> str:
        """ "<layer>/<index>", the name in Keras' own files."""
        return f"{self.layer.name}/{self.index}"

    @property
    def weight(self) -> str:
        """The variable's own name, as "kernel"."""
        return self.variable.path.rsplit("/", 1)[-1]


def _as_stored(slot: Slot) -> tuple[int, ...]:
    return tuple(range(len(slot.variable.shape)))


@dataclass(frozen=True)
class Layout:
    """A published layout, seen from a model of ours."""

    name: Callable[[Slot], str | None]
    """The tensor's name in the file; None where published files have none (it stays random)."""
    axes: Callable[[Slot], tuple[int, ...]] = _as_stored
    """The permutation that turns the stored tensor into Keras' axes."""
    canonical: Callable[[str], str | None] = lambda name: name
    """A name found in a file in the spelling of `name`; None for a tensor that is passed over."""
    is_head: Callable[[str], bool] = lambda name: False
    """Whether a canonical name belongs to the published classifier."""
    refusal: Callable[[str], str | None] = lambda name: None
    """Why a file with a tensor of this name is refused as a whole, where a reason is known."""


OWN = Layout(name=lambda slot: slot.place)
"""The layout of .keras and .weights.h5, whatever the family."""


def torch_axes(slot: Slot) -> tuple[int, ...]:
    """From PyTorch's OIHW kernels and (out, in) matrices to Keras' HWIO and (in, out)."""
    dimensions = len(slot.variable.shape)
    if isinstance(slot.layer, keras.layers.DepthwiseConv2D):
        return (2, 3, 0, 1) if dimensions == 4 else (0,)
    return {4: (2, 3, 1, 0), 2: (1, 0)}.get(dimensions, tuple(range(dimensions)))


TORCH_WEIGHTS = {
    "kernel": "weight",
    "gamma": "weight",
    "beta": "bias",
    "bias": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
"""Keras' names of variables to PyTorch's."""


def torch_canonical(name: str) -> str | None:
    """Without the counters of batch normalisation, which Keras does not keep."""
    return None if name.endswith(".num_batches_tracked") else name
