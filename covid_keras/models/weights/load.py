"""Weights into a network: read by name or file, compared as a whole, then assigned."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import keras
import numpy as np

from covid_keras.models import heads
from covid_keras.models.network import Network
from covid_keras.models.weights.find import RANDOM, find
from covid_keras.models.weights.layout import Layout, Slot
from covid_keras.models.weights.readers import READERS, UNREADABLE
from covid_keras.utils.errors import InputError

Top = Literal["none", "fitting", "all"]
"""What happens to the tensors of a head."""

OWN = Layout(lambda slot: f"{slot.layer.name}/{slot.index}", head=("head/", "head."))
"""The layout of .keras and .weights.h5 files, for every network."""


def load_weights(
    model: keras.Model, source: str | Path | None, network: Network, *, top: Top = "none"
) -> None:
    """Set the weights of `model`'s backbone from `source`, and of its head if `top` says so.

    Nothing is assigned unless the file holds every tensor of the backbone, each with its shape,
    and no other tensor (except a head's).

    Args:
        model: a backbone, or a backbone with a head.
        source: None or "random" (nothing happens); a name in `network.weights`; or a local
            file of a kind in `readers.READERS`, in a layout of `network` or of this package.
        network: the row of the table that `model` was built from.
        top: "all" sets the head's tensors, too, and they must match; "fitting" sets them if they
            match; "none" leaves the head as it is.

    Raises:
        InputError: no such weights, a damaged file, or weights of another network.
    """
    if source is None or str(source) == RANDOM:
        return
    path = find(str(source), network)
    suffix = next((suffix for suffix in READERS if path.name.endswith(suffix)), None)
    if suffix is None:
        raise InputError(
            f"{path}: expected a weights file that ends in {', '.join(READERS)}. "
            f"Received: {path.name!r}"
        )
    layouts = {**network.layouts, "own": OWN}
    read, kind = READERS[suffix]
    if kind not in layouts:
        suffixes = [suffix for suffix, (_, kind) in READERS.items() if kind in layouts]
        raise InputError(
            f"{path}: {network.name} takes weights from {', '.join(suffixes)}. "
            f"Received: {path.name}"
        )
    layout = layouts[kind]
    tensors = _read(path, read, layout, top != "none")
    kept = [layer for layer in model.layers if top != "none" or not heads.is_head(layer.name)]
    all_slots = (Slot(layer, i, weight) for layer in kept for i, weight in enumerate(layer.weights))
    slots = {name: slot for slot in all_slots if (name := layout.name(slot)) is not None}
    expected = {
        name: tuple(slot.variable.shape[axis] for axis in np.argsort(layout.axes(slot)))
        for name, slot in slots.items()
    }
    if top == "fitting":
        ours = [name for name, slot in slots.items() if heads.is_head(slot.layer.name)]
        if any(name not in tensors or tensors[name].shape != expected[name] for name in ours):
            expected, slots = ({n: d[n] for n in d if n not in ours} for d in (expected, slots))
            tensors = {name: t for name, t in tensors.items() if not name.startswith(layout.head)}
    _compare(path, expected, tensors, network)
    for name, slot in slots.items():
        slot.variable.assign(np.transpose(tensors[name], layout.axes(slot)))


def _read(path: Path, read: Callable, layout: Layout, top: bool) -> dict[str, np.ndarray]:
    """Return the file's tensors by canonical name, the head's only with `top`."""

    def canonical(name: str) -> str | None:
        if reason := layout.refusal(name):
            raise InputError(f"{path}: {reason}")
        name = layout.canonical(name)
        return None if name is None or (name.startswith(layout.head) and not top) else name

    try:
        tensors = read(path, lambda name: canonical(name) is not None)
    except InputError:
        raise
    except UNREADABLE as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"{path}: expected a complete {path.suffix} weights file; it is damaged, half-written "
            f"or of another format: {reason}"
        ) from error
    return {canonical(name): tensor for name, tensor in tensors.items() if canonical(name)}


def _compare(path: Path, expected: dict[str, tuple], tensors: dict, network: Network) -> None:
    """Raise InputError unless `tensors` has exactly the `expected` names and shapes."""
    missing = [name for name in expected if name not in tensors]
    unexpected = [name for name in tensors if name not in expected]
    reshaped = [n for n, shape in expected.items() if n in tensors and tensors[n].shape != shape]
    if not (missing or unexpected or reshaped):
        return
    if first := next((name for name in expected if name in missing or name in reshaped), None):
        received = f"shape {tensors[first].shape}" if first in tensors else "no such tensor"
        difference = f"{first}: expected shape {expected[first]}, found {received}"
    else:
        difference = f"{unexpected[0]}: not expected, found shape {tensors[unexpected[0]].shape}"
    raise InputError(
        f"{path}: not the weights of {network.name}: {difference} ({len(missing)} missing, "
        f"{len(unexpected)} unexpected, {len(reshaped)} of another shape)"
    )
