"""From the name or path of weights to a local file."""

from pathlib import Path
from urllib.parse import urlsplit

from covid_keras.models.network import Network
from covid_keras.models.weights.readers import check_torch
from covid_keras.utils.download import download
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import cache_folder


def find(source: str, network: Network) -> Path:
    """Return the local file of `source`, a name in `network.weights` or a path.

    A name is downloaded into the cache; the file of a SavedModel is its saved_model.pb.

    Raises:
        InputError: neither a name nor a file; the download fails, or PyTorch is needed to read it.
    """
    if weights := network.weights.get(source):
        if weights.address.endswith(".pth"):
            check_torch(weights.address)
        advice = f"give --weights FILE, your copy, or --weights random{weights.instead and ', or '}"
        advice += weights.instead
        return download(weights.address, cached(weights.address), weights.checksum, advice=advice)
    path = Path(source).expanduser()
    if path.is_dir():
        path = path / "saved_model.pb"
        if not path.is_file():
            raise InputError(f"{source}: expected a weights file, or a folder with {path.name}")
    if not path.exists():
        names = ", ".join(["random", *network.weights])
        raise InputError(f"weights {source!r}: no such file, and {network.name} knows only {names}")
    return path


def cached(address: str) -> Path:
    """Return the place of `address` in the cache; its host and path are folders there."""
    parts = urlsplit(address)
    return cache_folder() / "weights" / parts.netloc / parts.path.lstrip("/")
