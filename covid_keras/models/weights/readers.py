"""Weights files to {name: tensor}, by suffix. No reader runs code from a file."""

import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

import h5py
import numpy as np
from safetensors import SafetensorError, safe_open

from covid_keras.models.weights.hdf5 import LARGEST, refuse_links, stored
from covid_keras.models.weights.legacy_h5 import read_legacy_h5
from covid_keras.utils.errors import InputError
from covid_keras.utils.optional import need

FLOATS = ("float32", "float64", "float16", "bfloat16")
"""Accepted types of tensors in PyTorch's files; all become float32."""

UNREADABLE = (OSError, EOFError, ValueError, LookupError, RuntimeError, MemoryError, zlib.error)
UNREADABLE += (AttributeError, TypeError, struct.error, zipfile.BadZipFile, SafetensorError)
"""What the readers raise for a damaged file."""

Tensors = Mapping[str, np.ndarray]


def read_npz(path: Path, wanted: Callable[[str], bool]) -> Tensors:
    """Read the arrays of an .npz archive: of those of big_transfer not the head of up to 180 MB.

    Raises:
        ValueError: no such archive, or one that holds something else; nothing is ever unpickled.
    """
    if not zipfile.is_zipfile(path):
        raise ValueError("no complete archive of arrays")
    with zipfile.ZipFile(path) as parts:
        if large := next((part for part in parts.infolist() if part.file_size > LARGEST), None):
            raise ValueError(
                f"{large.filename} has {large.file_size:,} bytes, more than any weights"
            )
    with np.load(path, allow_pickle=False) as archive:
        tensors = {}
        for name in filter(wanted, archive.files):
            try:
                tensors[name] = archive[name]
            except ValueError as error:
                if "allow_pickle" not in str(error):
                    raise
            if np.asarray(tensors.get(name)).dtype.kind not in "biufV":  # V: bfloat16
                raise ValueError(f"{name} is not an array of numbers")
    return tensors


def read_own(path: Path, wanted: Callable[[str], bool]) -> Tensors:
    """Read {"<layer>/<index>": tensor} from a .weights.h5 file of Keras 3, or one in a .keras."""
    with ExitStack() as stack:
        file = path
        if path.suffix == ".keras":
            archive = stack.enter_context(zipfile.ZipFile(path))
            file = stack.enter_context(archive.open("model.weights.h5"))
        tensors = stack.enter_context(h5py.File(file, "r"))
        refuse_links(tensors)
        return {
            f"{group['vars'].attrs.get('name', '')}/{index}": stored(group["vars"], index)
            for group in tensors["layers"].values()
            for index in group["vars"]
        }


def read_savedmodel(path: Path, wanted: Callable[[str], bool]) -> Tensors:
    """Read the variables of the SavedModel whose saved_model.pb is `path`, but not its graph.

    Raises:
        ValueError: missing or damaged files; two wanted variables of one name.
    """
    import tensorflow as tf
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf.trackable_object_graph_pb2 import TrackableObjectGraph

    graph, tensors = "_CHECKPOINTABLE_OBJECT_GRAPH", {}
    try:
        checkpoint = tf.train.load_checkpoint(str(path.parent / "variables" / "variables"))
        if checkpoint.has_tensor(graph):
            nodes = TrackableObjectGraph.FromString(checkpoint.get_tensor(graph)).nodes
            keys = [(v.full_name, v.checkpoint_key) for node in nodes for v in node.attributes]
        else:  # TF1: keys are names
            keys = [(name, name) for name in checkpoint.get_variable_to_shape_map()]
        for name, key in keys:
            if name in tensors:
                raise ValueError(f"two variables are called {name}")
            if wanted(name):
                tensors[name] = checkpoint.get_tensor(key)
    except (tf.errors.OpError, DecodeError) as error:
        raise ValueError(str(error)) from error
    return tensors


def read_safetensors(path: Path, wanted: Callable[[str], bool]) -> Tensors:
    """Read {name: float32 tensor} from a .safetensors file; raise InputError unless of `FLOATS`."""
    with safe_open(path, "np") as file:
        names = filter(wanted, file.keys())
        return {name: _float32(path, name, file.get_tensor(name)) for name in names}


def read_pth(path: Path, wanted: Callable[[str], bool]) -> Tensors:
    """Read {name: float32 tensor} from a state dict saved by torch.save.

    Only tensors are unpickled (weights_only), so that no code in the file runs.

    Raises:
        InputError: PyTorch is not installed; the file holds anything but tensors by name; a
            wanted tensor is not of `FLOATS`.
    """
    check_torch(str(path))
    import torch

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise InputError(
            f"{path}: expected a complete PyTorch file of named tensors only; "
            "it is damaged, or holds code or objects, and was not loaded"
        ) from error
    if not isinstance(state, Mapping) or not all(isinstance(name, str) for name in state):
        raise InputError(
            f"{path}: expected a state dict (names to tensors). Received: {type(state).__name__}"
        )
    return {name: _float32(path, name, state[name]) for name in filter(wanted, state)}


def check_torch(file: str) -> None:
    """Raise InputError, which begins with `file`, if PyTorch is not installed."""
    need("torch", file, "", "convert it to .safetensors on a machine that has PyTorch")


def _float32(path: Path, name: str, tensor) -> np.ndarray:
    """Return an array of NumPy or PyTorch as float32."""
    kind = str(getattr(tensor, "dtype", type(tensor).__name__)).removeprefix("torch.")
    if kind not in FLOATS:
        raise InputError(
            f"{path}: {name}: expected a tensor of {', '.join(FLOATS)}. Received: {kind}"
        )
    if isinstance(tensor, np.ndarray):
        return tensor.astype(np.float32)
    return tensor.detach().float().numpy()


READERS: dict[str, tuple[Callable[[Path, Callable[[str], bool]], Tensors], str]] = {
    ".npz": (read_npz, "npz"),
    ".weights.h5": (read_own, "own"),
    ".keras": (read_own, "own"),
    ".h5": (read_legacy_h5, "h5"),
    ".safetensors": (read_safetensors, "torch"),
    ".pth": (read_pth, "torch"),
    "saved_model.pb": (read_savedmodel, "savedmodel"),
}
"""{suffix: (reader, kind)}; the first match counts. A reader turns (path, wanted) into the tensors
whose names are wanted, or more; the kind is a key of a network's `layouts`, or "own"."""
