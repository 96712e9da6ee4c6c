"""From the name or path of weights to a local file."""

import os
from pathlib import Path
from urllib.parse import urlsplit

import requests

from covid_keras.models.network import Network, Weights
from covid_keras.models.weights.download import download
from covid_keras.utils.errors import InputError

SAVED_MODEL = "saved_model.pb"


def find(source: str, network: Network) -> Path:
    """The local file of `source`, a name that `network` knows or a path; downloads if need be.

    Of a SavedModel, which is a folder, it is the file saved_model.pb.
    """
    if source in network.weights:
        return _fetch(source, network.weights[source])
    path = Path(source).expanduser()
    if path.is_dir():
        path = path / SAVED_MODEL
        if not path.is_file():
            raise InputError(f"{source}: expected a weights file, or a folder with {SAVED_MODEL}")
    if path.exists():
        return path
    raise InputError(
        f"weights {source!r}: no such file, and {network.name} knows only these names: "
        f"{', '.join(['random', *network.weights])}"
    )


def cache_folder() -> Path:
    """Where downloaded weights are kept: COVID_KERAS_CACHE, else the user's cache folder."""
    import pooch

    return Path(os.environ.get("COVID_KERAS_CACHE") or pooch.os_cache("covid_keras"))


def cached(address: str) -> Path:
    """The place of `address` in the cache: host and path of it are folders, so no two collide."""
    parts = urlsplit(address)
    return cache_folder() / "weights" / parts.netloc / parts.path.lstrip("/")


def _fetch(name: str, weights: Weights) -> Path:
    path = cached(weights.address)
    try:
        download(weights.address, path, weights.checksum)
    except requests.RequestException as error:
        reason = getattr(error.args[0], "reason", error) if error.args else error
        reason = " ".join(str(reason).split())[:200]
        part = path.with_name(f"{path.name}.part")
        begun = f"what has come is kept in {part}, the next try goes on from there; or "
        raise InputError(
            f"weights {name!r}: cannot get {weights.address} ({reason}); "
            f"{begun if part.exists() else ''}"
            f"fetch it on another machine and put it at {path}, or give the path of your copy"
            f"{weights.instead and ', '}{weights.instead}"
        ) from error
    return path
