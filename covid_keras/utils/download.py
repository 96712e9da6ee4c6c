"""Download one file, checked by its hash."""

import hashlib
from pathlib import Path

import pooch
import requests

from covid_keras.utils.errors import InputError
from covid_keras.utils.files import atomic_path
from covid_keras.utils.progress import progress


def download(url: str, path: Path, checksum: str | None = None, *, advice: str = "") -> Path:
    """Download `url` to `path`; a file that is there with the right checksum is kept.

    The file has a temporary name until it is complete and its checksum right. A download that
    breaks off starts again; two processes that want the same file both download it.

    Args:
        checksum: "sha256:..." or "md5:...", or the first digits of it; None is not checked.
        advice: what else a person can do, for the error.

    Returns:
        `path`.

    Raises:
        InputError: no connection, an HTTP error, another checksum, or `path` cannot be written.
    """
    if path.is_file():
        _check(path, checksum, str(path), "; move it away to download this one")
        return path
    with atomic_path(path) as temporary:
        with progress(path.name, total=1) as bar:  # pooch sets the total
            receive = pooch.HTTPDownloader(
                progressbar=bar,
                chunk_size=1 << 16,
                timeout=(10, 60),  # seconds to wait for a connection, and for the next bytes
                headers={"Accept-Encoding": "identity"},
            )
            try:
                receive(url, str(temporary), None)
            except requests.RequestException as error:
                raise InputError(
                    f"{path}: cannot download {url}: {_reason(error)}; fetch it by other means and"
                    f" put it at {path}{advice and f', or {advice}'}"
                ) from error
        _check(temporary, checksum, url)
    return path


def _check(path: Path, checksum: str | None, name: str, advice: str = "") -> None:
    if not checksum:
        return
    algorithm, expected = checksum.lower().split(":")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, algorithm).hexdigest()
    if not digest.startswith(expected):
        raise InputError(f"{name}: expected {checksum}. Received: {algorithm}:{digest}{advice}")


def _reason(error: requests.RequestException) -> str:
    """Return the kind of failure in a few words."""
    if error.response is not None:
        return f"{error.response.status_code} {error.response.reason}"
    kinds = {
        requests.Timeout: "no answer",
        requests.exceptions.ChunkedEncodingError: "the connection broke off",
        requests.ConnectionError: "no connection",
    }
    return next((text for kind, text in kinds.items() if isinstance(error, kind)), str(error))
