"""From the name or path of weights to a local file."""

import os
from pathlib import Path

from covid_keras.errors import InputError
from covid_keras.models.rows.row import Network, Weights


def find(source: str, network: Network) -> Path:
    """The local file of `source`, a name that `network` knows or a path; downloads if need be."""
    if source in network.weights:
        return _fetch(source, network.weights[source])
    path = Path(source).expanduser()
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


def _fetch(name: str, weights: Weights) -> Path:
    import pooch

    path = cache_folder() / weights.address.rsplit("/", 1)[-1]
    try:
        pooch.retrieve(weights.address, weights.checksum, fname=path.name, path=path.parent)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"weights {name!r}: cannot get {weights.address} ({reason}); "
            f"fetch it on another machine and put it at {path}, or give the path of your copy"
            f"{weights.instead and ', '}{weights.instead}"
        ) from error
    return path
