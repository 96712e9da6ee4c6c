"""From the name or path of weights to a local file."""

from pathlib import Path
from urllib.parse import urlsplit

from covid_keras.models.network import Network
from covid_keras.models.weights.readers import check_torch
from covid_keras.utils.download import download
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import cache_folder
from covid_keras.utils.text import near_misses

RANDOM = "random"
"""The name of random initial weights; None means the same."""


def check_weights(source: str, network: Network) -> None:
    """Raise InputError unless `source` is "random", a name in `network.weights` or a path.

    Nothing is downloaded or read.
    """
    if weights := network.weights.get(source):
        if weights.address.endswith(".pth"):
            check_torch(weights.address)
    elif source and source != RANDOM:
        _local(source, network)


def find(source: str, network: Network) -> Path:
    """Return the local file of `source`, a name in `network.weights` or a path.

    A name is downloaded into the cache; the file of a SavedModel is its saved_model.pb.

    Raises:
        InputError: neither a name nor a file; the download fails, or PyTorch is needed to read it.
    """
    check_weights(source, network)
    if weights := network.weights.get(source):
        advice = f"give --weights FILE, your copy, or --weights random{weights.instead and ', or '}"
        advice += weights.instead
        return download(weights.address, cached(weights.address), weights.checksum, advice=advice)
    return _local(source, network)


def _local(source: str, network: Network) -> Path:
    """Return the file of a path. Raise InputError if there is none."""
    path = Path(source).expanduser()
    if path.is_dir():
        path = path / "saved_model.pb"
        if not path.is_file():
            raise InputError(f"{source}: expected a weights file, or a folder with {path.name}")
    if not path.exists():
        names = [RANDOM, *network.weights]
        raise InputError(
            f"weights {source!r}: no such file, and no weights of {network.name} (--weights);"
            f" {near_misses(source, names)}"
        )
    return path


def cached(address: str) -> Path:
    """Return the place of `address` in the cache; its host and path are folders there."""
    parts = urlsplit(address)
    return cache_folder() / "weights" / parts.netloc / parts.path.lstrip("/")
