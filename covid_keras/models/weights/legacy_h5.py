"""Keras' legacy .h5 files, in which keras.applications publishes its weights.

The attribute `layer_names` lists the layers in the order of the model, and each layer's group its
tensors in `weight_names`. Numbers that Keras chose mean nothing: "conv2d_95" is the 95th of its
session. docs/explanation/architecture.md says why Keras' own loader is not used.
"""

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

import h5py
import numpy as np

from covid_keras.models.weights.hdf5 import refuse_links, stored

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
    "conv2d 3 of 94", in today's spelling ("convolution2d_3" is Keras 1's).

    Raises:
        ValueError: another layout, a link to another file. A damaged file: `readers.UNREADABLE`.
    """
    with h5py.File(path, "r") as file:
        refuse_links(file)
        root = file.get("model_weights", file)
        layers = _strings(root, "layer_names")
        listed = {x: weights for x in layers if (weights := _strings(root[x], "weight_names"))}
        if not listed:
            raise ValueError("no layer_names with weights, so not in Keras' legacy .h5 layout")
        places = _by_place(listed)
        return {
            name: stored(root[layer], weight)
            for layer, weights in listed.items()
            for index, weight in enumerate(weights)
            if wanted(name := f"{places.get(layer, layer)}/{index}")
        }


def _by_place(layers: Iterable[str]) -> dict[str, str]:
    """Return {layer that Keras numbered: its name}, such as {"conv2d_17": "conv2d 3 of 94"}."""
    kinds = {
        layer: _KINDS[match[1].replace("_", "").replace("convolution", "conv")]
        for layer in layers
        if (match := _AUTOMATIC.fullmatch(layer))
    }
    counts, numbers = Counter(kinds.values()), defaultdict(lambda: itertools.count(1))
    return {x: f"{kind} {next(numbers[kind])} of {counts[kind]}" for x, kind in kinds.items()}


def _strings(group: h5py.Group, name: str) -> list[str]:
    """Return an attribute of strings; long ones are in parts called `name`0, `name`1, ..."""
    parts = [name]
    if name not in group.attrs:
        numbered = (f"{name}{part}" for part in itertools.count())
        parts = itertools.takewhile(group.attrs.__contains__, numbered)
    values = [value for part in parts for value in group.attrs[part]]
    return [value.decode() if isinstance(value, bytes) else str(value) for value in values]
