"""Weights files to {name: tensor}, by suffix. No reader runs code from a file."""

import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import h5py
import numpy as np

from covid_keras.models.weights.legacy_h5 import read_legacy_h5
from covid_keras.models.weights.torch import read_pth, read_safetensors

UNREADABLE = (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error)
"""What the readers raise for a damaged file."""

Tensors = Mapping[str, np.ndarray]


def read_npz(path: Path, wanted: Callable[[str], bool]) -> Tensors:
    """Read an .npz archive of big_transfer, without its head of up to 180 MB."""
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files if wanted(name)}


def read_own_h5(path: Path, wanted: Callable[[str], bool]) -> Tensors:
    """Read a .weights.h5 file of Keras 3."""
    with h5py.File(path, "r") as file:
        return _tensors_by_layer(file)


def read_keras(path: Path, wanted: Callable[[str], bool]) -> Tensors:
    """Read the weights in a .keras archive."""
    with (
        zipfile.ZipFile(path) as archive,
        archive.open("model.weights.h5") as stream,
        h5py.File(stream, "r") as file,
    ):
        return _tensors_by_layer(file)


def _tensors_by_layer(file: h5py.File) -> Tensors:
    """Return {"<layer>/<index>": tensor} of a file in Keras 3's layout, without optimisers."""
    tensors = {}
    for group in file["layers"].values():
        layer = group["vars"].attrs.get("name", "")
        tensors |= {f"{layer}/{index}": value[()] for index, value in group["vars"].items()}
    return tensors


def read_savedmodel(path: Path, wanted: Callable[[str], bool]) -> Tensors:
    """Read the variables of the SavedModel whose saved_model.pb is `path`, but not its graph.

    Raises:
        ValueError: missing or damaged files; two wanted variables of one name.
    """
    import tensorflow as tf
    from google.protobuf.message import DecodeError

    tensors = {}
    try:
        checkpoint = tf.train.load_checkpoint(str(path.parent / "variables" / "variables"))
        for name, key in _variables(checkpoint):
            if not wanted(name):
                continue
            if name in tensors:
                raise ValueError(f"two variables are called {name}")
            tensors[name] = checkpoint.get_tensor(key)
    except (tf.errors.OpError, RuntimeError, IndexError, DecodeError) as error:
        raise ValueError(str(error)) from error
    return tensors


def _variables(checkpoint) -> Iterator[tuple[str, str]]:
    """Yield (name, key) of every variable; TF2's names are in the checkpoint's object graph."""
    from tensorflow.core.protobuf.trackable_object_graph_pb2 import TrackableObjectGraph

    if not checkpoint.has_tensor("_CHECKPOINTABLE_OBJECT_GRAPH"):  # TF1: keys are names
        yield from ((name, name) for name in checkpoint.get_variable_to_shape_map())
        return
    content = checkpoint.get_tensor("_CHECKPOINTABLE_OBJECT_GRAPH")
    for node in TrackableObjectGraph.FromString(content).nodes:
        yield from ((variable.full_name, variable.checkpoint_key) for variable in node.attributes)


READERS: dict[str, tuple[Callable[[Path, Callable[[str], bool]], Tensors], str]] = {
    ".npz": (read_npz, "npz"),
    ".weights.h5": (read_own_h5, "own"),
    ".keras": (read_keras, "own"),
    ".h5": (read_legacy_h5, "h5"),
    ".safetensors": (read_safetensors, "torch"),
    ".pth": (read_pth, "torch"),
    "saved_model.pb": (read_savedmodel, "savedmodel"),
}
"""{suffix: (reader, kind)}; the first match counts. A reader turns (path, wanted) into the tensors
whose names are wanted, or more; the kind is a key of a network's `layouts`, or "own"."""
