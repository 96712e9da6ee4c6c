"""First weights for a backbone: found by name or file, checked as a whole, then assigned."""

import importlib
import os
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import h5py
import keras
import numpy as np

from covid_keras.errors import InputError
from covid_keras.models import heads, zoo

_UNREADABLE = (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error)
"""What NumPy, h5py and zipfile raise for a damaged file."""


def load_weights(model: keras.Model, source: str | Path | None, network: zoo.Network) -> None:
    """Set the weights of `model`'s backbone from `source`; a head is left as it is.

    Nothing is assigned unless every tensor of the backbone is in the file with its shape and
    the file holds no other tensor (a head's apart).

    Args:
        model: a backbone, or a backbone with a head.
        source: None, "" or "random" (nothing happens); a name of `network.weights`, which is
            downloaded once into `cache_folder()`; or a local file: .npz in the layout of
            google-research/big_transfer, .weights.h5 or .keras as this package writes them.
        network: the row of `zoo` that `model` was built from.

    Raises:
        InputError: unknown name, missing or damaged file, no network, weights of another network.
    """
    if source is None or str(source) in zoo.RANDOM:
        return
    path = find(str(source), network)
    kind = next((suffix for suffix in _READERS if path.name.endswith(suffix)), None)
    if kind is None:
        raise InputError(
            f"{path}: expected a weights file that ends in {', '.join(_READERS)}. "
            f"Received: {path.name!r}"
        )
    variables = _npz_variables(model, network) if kind == ".npz" else _keras_variables(model)
    try:
        found = _READERS[kind](path, network)
    except _UNREADABLE as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"{path}: expected a whole {kind} weights file; it is damaged, half-written or of "
            f"another format: {reason}"
        ) from error
    _check(path, variables, found, network)
    for name, variable in variables.items():
        variable.assign(found[name])


def find(source: str, network: zoo.Network) -> Path:
    """The local file of `source`, a name that `network` knows or a path; downloads if need be."""
    if source in network.weights:
        return _fetch(source, network.weights[source])
    path = Path(source).expanduser()
    if path.is_file():
        return path
    raise InputError(
        f"weights {source!r}: no such file, and {network.name} knows only these names: "
        f"{', '.join(['random', *network.weights])}"
    )


def cache_folder() -> Path:
    """Where downloaded weights are kept: COVID_KERAS_CACHE, else the user's cache folder."""
    import pooch

    return Path(os.environ.get("COVID_KERAS_CACHE") or pooch.os_cache("covid_keras"))


def _fetch(name: str, weights: zoo.Weights) -> Path:
    import pooch

    path = cache_folder() / weights.address.rsplit("/", 1)[-1]
    try:
        pooch.retrieve(weights.address, weights.sha256, fname=path.name, path=path.parent)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"weights {name!r}: cannot get {weights.address} ({reason}); "
            f"fetch it on another machine and put it at {path}, or give the path of your copy"
            f"{weights.instead and ', '}{weights.instead}"
        ) from error
    return path


def _npz_variables(model: keras.Model, network: zoo.Network) -> dict[str, keras.Variable]:
    family = importlib.import_module(f"covid_keras.models.{network.family}")
    return {
        family.npz_name(variable): variable
        for layer in model.layers
        if not heads.is_head(layer.name)
        for variable in layer.weights
    }


def _keras_variables(model: keras.Model) -> dict[str, keras.Variable]:
    return {
        f"{layer.name}/{index}": variable
        for layer in model.layers
        if not heads.is_head(layer.name)
        for index, variable in enumerate(layer.weights)
    }


def _read_npz(path: Path, network: zoo.Network) -> dict[str, np.ndarray]:
    """All tensors by their official names; a head, up to 180 MB of it, is not even read."""
    family = importlib.import_module(f"covid_keras.models.{network.family}")
    with np.load(path, allow_pickle=False) as archive:
        return {
            family.canonical_name(name): archive[name]
            for name in archive.files
            if not name.startswith(family.NPZ_HEAD)
        }


def _read_h5(path: Path, network: zoo.Network) -> dict[str, np.ndarray]:
    with h5py.File(path, "r") as file:
        return _tensors_by_layer(file)


def _read_keras(path: Path, network: zoo.Network) -> dict[str, np.ndarray]:
    with (
        zipfile.ZipFile(path) as archive,
        archive.open("model.weights.h5") as stream,
        h5py.File(stream, "r") as file,
    ):
        return _tensors_by_layer(file)


def _tensors_by_layer(file: h5py.File) -> dict[str, np.ndarray]:
    """{"<layer>/<index>": tensor} of a file in Keras 3's layout; optimisers are passed over."""
    tensors = {}
    for group in file["layers"].values():
        layer = group["vars"].attrs.get("name", "")
        if not heads.is_head(layer):
            tensors |= {f"{layer}/{index}": value[()] for index, value in group["vars"].items()}
    return tensors


_READERS: Mapping[str, Callable[[Path, zoo.Network], dict[str, np.ndarray]]] = {
    ".npz": _read_npz,
    ".h5": _read_h5,
    ".keras": _read_keras,
}


def _check(
    path: Path,
    variables: Mapping[str, keras.Variable],
    found: Mapping[str, np.ndarray],
    network: zoo.Network,
) -> None:
    """Raise InputError unless `found` has the names and shapes of `variables`, and no more."""
    missing = [name for name in variables if name not in found]
    unexpected = [name for name in found if name not in variables]
    reshaped = [
        name
        for name, variable in variables.items()
        if name in found and found[name].shape != tuple(variable.shape)
    ]
    if not (missing or unexpected or reshaped):
        return
    if first := next((name for name in variables if name in missing or name in reshaped), None):
        received = f"shape {found[first].shape}" if first in found else "no such tensor"
        difference = f"{first}: expected shape {tuple(variables[first].shape)}, found {received}"
    else:
        difference = f"{unexpected[0]}: not expected, found shape {found[unexpected[0]].shape}"
    raise InputError(
        f"{path}: not the weights of {network.name}: {difference} ({len(missing)} missing, "
        f"{len(unexpected)} unexpected, {len(reshaped)} of another shape)"
    )
