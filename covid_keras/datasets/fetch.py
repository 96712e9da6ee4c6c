"""Fetch a data set: direct files with a hash, Kaggle sets, or an instruction for a person."""

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from covid_keras.datasets import catalogue
from covid_keras.datasets.card import Download
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import make_folder
from covid_keras.utils.optional import need

_TIMEOUT = 30
"""Seconds without an answer after which a server counts as down."""


@dataclass(frozen=True)
class Fetched:
    """What `fetch` did, and what is left to do."""

    files: tuple[Path, ...]
    """Files and folders that are now in place."""
    instruction: str
    """What a person still has to do; "" where the data set is complete."""


def fetch(name: str, out: str | Path, *, base_url: str | None = None) -> Fetched:
    """Fetch what can be fetched of a data set into `out`.

    A file that is there already with the right hash is not fetched again, a download that was
    broken off leaves no file behind, and Kaggle downloads go on where they stopped.

    Args:
        name: a name of the catalogue.
        out: the data set's root; made if need be.
        base_url: a mirror that holds the direct files under their own names.

    Raises:
        InputError: a download failed (the file, its address and where to put it are named), a file
            has another hash than expected, or kagglehub is needed and not installed.
    """
    card = catalogue.get(name)
    out = Path(out)
    make_folder(out)
    files = [_fetch_file(download, out, base_url) for download in card.downloads]
    if card.kaggle:
        files += _fetch_kaggle(card.kaggle, out)
        return Fetched(tuple(files), "")
    return Fetched(tuple(files), card.instruction)


def _fetch_file(download: Download, out: Path, base_url: str | None) -> Path:
    import pooch
    import requests

    path = out / download.path
    url = f"{base_url.rstrip('/')}/{download.path}" if base_url else download.url
    if path.is_file():
        received = hashlib.sha256(path.read_bytes()).hexdigest()
        if received != download.sha256:
            raise InputError(
                f"{path}: expected sha256 {download.sha256}. Received: {received};"
                " another version lies there, move it away to fetch this one"
            )
        return path
    downloader = pooch.HTTPDownloader(timeout=_TIMEOUT)
    try:
        pooch.retrieve(url, f"sha256:{download.sha256}", path.name, path.parent, None, downloader)
    except requests.RequestException as error:
        raise InputError(
            f"{path}: cannot download {url}: {_reason(error)};"
            f" fetch it by other means and put it at {path}"
        ) from error
    except ValueError as error:
        raise InputError(
            f"{path}: {url} is not the file expected (sha256 {download.sha256}): {error}"
        ) from error
    return path


def _reason(error: Exception) -> str:
    """The kind of failure in a few words, without the library's nested representation."""
    response = getattr(error, "response", None)
    if response is not None:
        return f"{response.status_code} {response.reason}"
    return {"ConnectionError": "no connection", "ConnectTimeout": "no answer"}.get(
        type(error).__name__, type(error).__name__
    )


def _fetch_kaggle(handle: str, out: Path) -> list[Path]:
    address = f"https://www.kaggle.com/datasets/{'/'.join(handle.split('/')[:2])}"
    by_hand = f"download it from {address} and unpack it into {out}"
    need("kagglehub", f"{out}: Kaggle data set {handle}", "fetch", by_hand)
    import kagglehub

    cache = out / ".kagglehub"
    with _environment("KAGGLEHUB_CACHE", str(cache)):
        try:
            source = Path(kagglehub.dataset_download(handle))
        except Exception as error:  # kagglehub's errors have no base class of their own
            raise InputError(
                f"{out}: cannot download Kaggle data set {handle}: {error}; or {by_hand}"
            ) from error
    placed = []
    for entry in sorted(source.iterdir()):
        target = out / entry.name
        if not target.exists():
            shutil.move(entry, target)
        placed.append(target)
    shutil.rmtree(cache)
    return placed


@contextlib.contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    """Set an environment variable for a while."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
