"""Keras' legacy .h5 files, in which keras.applications publishes its weights.

The attribute `layer_names` lists the layers in the order of the model, and each layer's group its
tensors in `weight_names`. Numbers that Keras chose mean nothing: a layer is called "conv2d_95" if
the session that wrote the file had built 94 others before. docs/architecture.md says why Keras'
own loader is not used.
"""

import itertools
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

_AUTOMATIC = re.compile(r"((?:separable_?)?conv(?:olution)?2d|batch_?normalization)(?:_\d+)?")
_KINDS = {
    "conv2d": "conv2d",
    "separableconv2d": "separable_conv2d",
    "batchnormalization": "batch_normalization",
}
"""Keras' automatic names since Keras 2, without their underscores."""


def read_legacy_h5(path: Path, wanted: Callable[[str], bool]) -> dict[str, np.ndarray]:
    """Read weights, or the weights of a whole model: {"<layer>/<index>": tensor} if `wanted`.

    A layer that Keras numbered is named after its place among those of its kind, such as
    "conv2d 3 of 94", in today's spelling ("convolution2d_3" and "batchnormalization_3" are Keras
    1's).

    Raises:
        ValueError, KeyError, OSError: another layout, a damaged file, a link to another file.
    """
    try:
        with h5py.File(path, "r") as file:
            if link := file.visititems_links(_link_elsewhere):
                raise ValueError(f"{link} is a link, which weights files do not have")
            return _read(file.get("model_weights", file), wanted)
    except RuntimeError as error:  # h5py's for some kinds of damage
        raise ValueError(str(error)) from error


def _link_elsewhere(name: str, link: h5py.HardLink) -> str | None:
    """Return the name of a link to another place or file, None for a stored object."""
    return None if isinstance(link, h5py.HardLink) else name


def _read(file: h5py.Group, wanted: Callable[[str], bool]) -> dict[str, np.ndarray]:
    stored = {
        layer: _strings(file[layer], "weight_names") for layer in _strings(file, "layer_names")
    }
    layers = [layer for layer, weights in stored.items() if weights]
    if not layers:
        raise ValueError("no layer_names with weights, so not in Keras' legacy .h5 layout")
    tensors = {}
    for layer, name in zip(layers, _by_place(layers), strict=True):
        for index, weight in enumerate(stored[layer]):
            if wanted(f"{name}/{index}"):
                tensors[f"{name}/{index}"] = _tensor(file[layer], weight)
    return tensors


def _by_place(layers: list[str]) -> list[str]:
    """Return the names, with "conv2d 3 of 94" for the third layer called conv2d_<number>."""
    kinds = [_kind(layer) for layer in layers]
    counts, seen, names = Counter(kinds), Counter(), []
    for layer, kind in zip(layers, kinds, strict=True):
        seen[kind] += 1
        names.append(f"{kind} {seen[kind]} of {counts[kind]}" if kind else layer)
    return names


def _kind(layer: str) -> str:
    """Return the kind of layer behind an automatic name, "" for any other name."""
    automatic = _AUTOMATIC.fullmatch(layer)
    if not automatic:
        return ""
    return _KINDS[automatic[1].replace("_", "").replace("convolution", "conv")]


def _strings(group: h5py.Group, name: str) -> list[str]:
    """Return an attribute of strings; long ones are in parts called `name`0, `name`1, ..."""
    parts = [name]
    if name not in group.attrs:
        numbered = (f"{name}{part}" for part in itertools.count())
        parts = itertools.takewhile(group.attrs.__contains__, numbered)
    values = [value for part in parts for value in group.attrs[part]]
    return [value.decode() if isinstance(value, bytes) else str(value) for value in values]


def _tensor(group: h5py.Group, name: str) -> np.ndarray:
    """Return the array at the path `name`, if it is stored in this very file."""
    dataset = group[name]
    if not isinstance(dataset, h5py.Dataset) or dataset.external or dataset.is_virtual:
        raise ValueError(f"{name} is not an array of this file")
    return dataset[()]
