"""Keras' legacy .h5 files, in which keras.applications publishes its weights.

The attribute `layer_names` lists the layers in the order of the model, and each layer's group its
tensors in `weight_names`. Keras assigns them by position, never by name: a layer without a name of
its own is called "conv2d_95" where the session that wrote the file had made 94 others before.
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
"""Keras' automatic names since Keras 2, by their letters alone."""


def read_h5(path: Path, wanted: Callable[[str], bool]) -> dict[str, np.ndarray]:
    """{"<layer>/<index>": tensor} in the order of the file, for the names that are `wanted`.

    A layer that Keras numbered itself is called after its place among those of its kind, as
    "conv2d 3 of 94", whatever its number, and in the spelling of today ("convolution2d_3" and
    "batchnormalization_3" are Keras 1's). A whole model in .h5 is read as well as weights alone.

    Raises:
        ValueError, KeyError, OSError: another layout, a damaged file, a link to another file.
    """
    try:
        with h5py.File(path, "r") as file:
            return _read(_group(file, "model_weights") if "model_weights" in file else file, wanted)
    except RuntimeError as error:  # h5py's for some kinds of damage
        raise ValueError(str(error)) from error


def _read(file: h5py.Group, wanted: Callable[[str], bool]) -> dict[str, np.ndarray]:
    groups = {layer: _group(file, layer) for layer in _strings(file, "layer_names")}
    stored = {layer: _strings(group, "weight_names") for layer, group in groups.items()}
    layers = [layer for layer, weights in stored.items() if weights]
    if not layers:
        raise ValueError("no layer_names with weights, so not in Keras' legacy .h5 layout")
    tensors = {}
    for layer, name in zip(layers, _by_place(layers), strict=True):
        for index, weight in enumerate(stored[layer]):
            if wanted(f"{name}/{index}"):
                tensors[f"{name}/{index}"] = _tensor(groups[layer], weight)
    return tensors


def _by_place(layers: list[str]) -> list[str]:
    """The names with "conv2d 3 of 94" for the third one that Keras called conv2d_<number>."""
    kinds = [_kind(layer) for layer in layers]
    counts, seen, names = Counter(kinds), Counter(), []
    for layer, kind in zip(layers, kinds, strict=True):
        seen[kind] += 1
        names.append(f"{kind} {seen[kind]} of {counts[kind]}" if kind else layer)
    return names


def _kind(layer: str) -> str:
    """The kind of layer behind an automatic name; "" for a name of its own."""
    automatic = _AUTOMATIC.fullmatch(layer)
    if not automatic:
        return ""
    return _KINDS[automatic[1].replace("_", "").replace("convolution", "conv")]


def _strings(group: h5py.Group, name: str) -> list[str]:
    """An attribute of strings; long ones are in parts, called `name`0, `name`1, ..."""
    parts = [name]
    if name not in group.attrs:
        numbered = (f"{name}{part}" for part in itertools.count())
        parts = itertools.takewhile(group.attrs.__contains__, numbered)
    values = [value for part in parts for value in group.attrs[part]]
    return [value.decode() if isinstance(value, bytes) else str(value) for value in values]


def _group(parent: h5py.Group, name: str) -> h5py.Group:
    """The group at the path `name`, through no link that leads elsewhere."""
    for part in name.split("/"):
        if parent.get(part, getclass=True, getlink=True) not in (None, h5py.HardLink):
            raise ValueError(f"{name} is a link, which weights files do not have")
        parent = parent[part]
        if not isinstance(parent, h5py.Group):
            raise ValueError(f"{name} is not a group")
    return parent


def _tensor(group: h5py.Group, name: str) -> np.ndarray:
    """The array at the path `name`, read from this very file."""
    folder, _, last = name.rpartition("/")
    group = _group(group, folder) if folder else group
    if group.get(last, getclass=True, getlink=True) not in (None, h5py.HardLink):
        raise ValueError(f"{name} is a link, which weights files do not have")
    dataset = group[last]
    if not isinstance(dataset, h5py.Dataset) or dataset.external or dataset.is_virtual:
        raise ValueError(f"{name} is not an array of this file")
    return dataset[()]
