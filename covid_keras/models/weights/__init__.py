"""First weights for a network: found by name or file, checked as a whole, then assigned."""

from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np

from covid_keras.models import heads, registry
from covid_keras.models.network import Network
from covid_keras.models.weights.find import find
from covid_keras.models.weights.layout import OWN, Layout, Slot
from covid_keras.models.weights.readers import READERS, UNREADABLE, Reader
from covid_keras.utils.errors import InputError

__all__ = ["load_weights"]


def load_weights(
    model: keras.Model, source: str | Path | None, network: Network, *, top: bool = False
) -> None:
    """Set the weights of `model`'s backbone from `source`; a head is left as it is.

    Nothing is assigned unless every tensor of the backbone is in the file with its shape and
    the file holds no other tensor (a head's apart).

    Args:
        model: a backbone, or a backbone with a head.
        source: None, "" or "random" (nothing happens); a name of `network.weights`, which is
            downloaded once; or a local file of a kind in `readers.READERS`, in the layout of the
            network's family or as this package writes it.
        network: the row of `zoo` that `model` was built from.
        top: the head's tensors are set too, and must fit.

    Raises:
        InputError: unknown name, missing or damaged file, no network, weights of another network.
    """
    if source is None or str(source) in registry.RANDOM:
        return
    if named := network.weights.get(str(source)):
        _reader(Path(named.address)).check(named.address)  # before it is downloaded
    path = find(str(source), network)
    reader = _reader(path)
    reader.check(str(path))
    layout = _layout(path, reader, network)
    try:
        found = _read(path, reader, layout, top)
    except InputError:
        raise
    except UNREADABLE as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"{path}: expected a whole {path.suffix} weights file; it is damaged, half-written "
            f"or of another format: {reason}"
        ) from error
    slots = _slots(model, layout, top)
    _check(path, slots, layout, found, network)
    for name, slot in slots.items():
        slot.variable.assign(np.transpose(found[name], layout.axes(slot)))


def _reader(path: Path) -> Reader:
    for suffix, reader in READERS.items():
        if path.name.endswith(suffix):
            return reader
    raise InputError(
        f"{path}: expected a weights file that ends in {', '.join(READERS)}. "
        f"Received: {path.name!r}"
    )


def _layout(path: Path, reader: Reader, network: Network) -> Layout:
    if reader.layout == "own":
        return OWN
    family = registry.family(network.name)
    if reader.layout not in family.LAYOUTS:
        kinds = [suffix for suffix, r in READERS.items() if r.layout in (*family.LAYOUTS, "own")]
        raise InputError(
            f"{path}: {network.name} takes weights from {', '.join(kinds)}. Received: {path.name}"
        )
    return family.LAYOUTS[reader.layout]


def _is_head(name: str, layout: Layout) -> bool:
    if layout is OWN:
        return heads.is_head(name.split("/")[0])
    return layout.is_head(name)


def _read(path: Path, reader: Reader, layout: Layout, top: bool) -> dict[str, np.ndarray]:
    """The file's tensors by their canonical names, the head's only with `top`."""

    def canonical(name: str) -> str | None:
        if reason := layout.refusal(name):
            raise InputError(f"{path}: {reason}")
        name = layout.canonical(name)
        return None if name is None or (_is_head(name, layout) and not top) else name

    tensors = reader.read(path, lambda name: canonical(name) is not None)
    return {canonical(name): tensor for name, tensor in tensors.items() if canonical(name)}


def _slots(model: keras.Model, layout: Layout, top: bool) -> dict[str, Slot]:
    """The variables to be set, by their names in the file."""
    slots = [
        Slot(layer, index, variable)
        for layer in model.layers
        if top or not heads.is_head(layer.name)
        for index, variable in enumerate(layer.weights)
    ]
    return {name: slot for slot in slots if (name := layout.name(slot)) is not None}


def _check(
    path: Path,
    slots: Mapping[str, Slot],
    layout: Layout,
    found: Mapping[str, np.ndarray],
    network: Network,
) -> None:
    """Raise InputError unless `found` has the names and shapes of `slots`, and no more."""
    expected = {name: _stored_shape(slot, layout) for name, slot in slots.items()}
    missing = [name for name in expected if name not in found]
    unexpected = [name for name in found if name not in expected]
    reshaped = [n for n, shape in expected.items() if n in found and found[n].shape != shape]
    if not (missing or unexpected or reshaped):
        return
    if first := next((name for name in expected if name in missing or name in reshaped), None):
        received = f"shape {found[first].shape}" if first in found else "no such tensor"
        difference = f"{first}: expected shape {expected[first]}, found {received}"
    else:
        difference = f"{unexpected[0]}: not expected, found shape {found[unexpected[0]].shape}"
    raise InputError(
        f"{path}: not the weights of {network.name}: {difference} ({len(missing)} missing, "
        f"{len(unexpected)} unexpected, {len(reshaped)} of another shape)"
    )


def _stored_shape(slot: Slot, layout: Layout) -> tuple[int, ...]:
    """The variable's shape in the order of axes of the file."""
    order = np.argsort(layout.axes(slot))
    return tuple(slot.variable.shape[axis] for axis in order)
