"""Weights files to {name: tensor}, by suffix. No reader runs code that a file brings with it."""

import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from covid_keras.models.weights.h5 import read_h5
from covid_keras.models.weights.savedmodel import read_savedmodel
from covid_keras.models.weights.torch import check_torch, read_pth, read_safetensors

UNREADABLE = (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error)
"""What NumPy, h5py and zipfile raise for a damaged file."""

Tensors = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Reader:
    """How the files of one suffix are read."""

    read: Callable[[Path, Callable[[str], bool]], Tensors]
    """(path, wanted) to the tensors; names that are not wanted need not be read."""
    layout: str
    """Key of a family's `LAYOUTS`, or "own"."""
    check: Callable[[str], None] = lambda file: None
    """Raises InputError, which begins with `file`, where such files cannot be read here at all."""


def read_npz(path: Path, wanted: Callable[[str], bool]) -> Tensors:
    """An .npz archive, as big_transfer writes them; a head, up to 180 MB of it, is not read."""
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files if wanted(name)}


def read_own_h5(path: Path, wanted: Callable[[str], bool]) -> Tensors:
    """A .weights.h5 file of Keras 3."""
    with h5py.File(path, "r") as file:
        return _tensors_by_layer(file)


def read_keras(path: Path, wanted: Callable[[str], bool]) -> Tensors:
    """A .keras archive."""
    with (
        zipfile.ZipFile(path) as archive,
        archive.open("model.weights.h5") as stream,
        h5py.File(stream, "r") as file,
    ):
        return _tensors_by_layer(file)


def _tensors_by_layer(file: h5py.File) -> Tensors:
    """{"<layer>/<index>": tensor} of a file in Keras 3's layout; optimisers are passed over."""
    tensors = {}
    for group in file["layers"].values():
        layer = group["vars"].attrs.get("name", "")
        tensors |= {f"{layer}/{index}": value[()] for index, value in group["vars"].items()}
    return tensors


READERS: dict[str, Reader] = {
    ".npz": Reader(read_npz, "npz"),
    ".weights.h5": Reader(read_own_h5, "own"),
    ".keras": Reader(read_keras, "own"),
    ".h5": Reader(read_h5, "h5"),
    ".safetensors": Reader(read_safetensors, "torch"),
    ".pth": Reader(read_pth, "torch", check_torch),
    "saved_model.pb": Reader(read_savedmodel, "savedmodel"),
}
"""By suffix; the first that fits is taken."""
