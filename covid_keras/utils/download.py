"""Download one file, checked by its hash: the published one, or that of the first download."""

import hashlib
from pathlib import Path

import pooch
import requests

from covid_keras.utils.errors import InputError
from covid_keras.utils.files import atomic_path, read_text, write_text
from covid_keras.utils.progress import progress


def download(url: str, path: Path, checksum: str | None = None, *, advice: str = "") -> Path:
    """Download `url` to `path`; a file that is there with the right checksum is kept.

    The file has a temporary name until it is complete and its checksum right. A download that
    breaks off starts again; two processes that want the same file both download it.

    Args:
        checksum: "sha256:..." or "md5:...", or the first digits of it. None trusts the first
            download: its hash is kept beside it, in PATH.sha256, and a later file must have it.
        advice: what else a person can do, for the error.

    Returns:
        `path`.

    Raises:
        InputError: no connection, an HTTP error, another checksum, or `path` cannot be written.
    """
    record = path.with_name(f"{path.name}.sha256")
    accept = ""
    if not checksum and record.is_file():
        checksum = f"sha256:{read_text(record, 'a hash').strip()}"
        accept = f"; it is the hash of the first download, in {record}: remove that to accept this"
    if path.is_file():
        _check(path, checksum, str(path), accept or "; move it away to download this one")
        if not checksum:
            write_text(record, f"{_digest(path, 'sha256')}\n")
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
        _check(temporary, checksum, url, accept)
        if not checksum:
            write_text(record, f"{_digest(temporary, 'sha256')}\n")
    return path


def _check(path: Path, checksum: str | None, name: str, advice: str = "") -> None:
    if not checksum:
        return
    algorithm, expected = checksum.lower().split(":")
    digest = _digest(path, algorithm)
    if not digest.startswith(expected):
        raise InputError(f"{name}: expected {checksum}. Received: {algorithm}:{digest}{advice}")


def _digest(path: Path, algorithm: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


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
