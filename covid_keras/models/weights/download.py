"""One file from the network into the cache: hashed, resumed, safe beside a second process."""

import fcntl
import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import requests

from covid_keras.utils.errors import InputError
from covid_keras.utils.files import make_folder
from covid_keras.utils.progress import progress

TIMEOUT = (10, 60)
"""Seconds to wait for a connection, and for the next bytes."""
CHUNK = 1 << 16


def download(address: str, path: Path, checksum: str | None = None) -> None:
    """Have the file of `address` at `path`; nothing is asked of the network if it is there.

    It is written to "<path>.part" and renamed once it is whole and has the right hash. A part that
    was left by a broken connection is continued (HTTP Range), by a server that cannot do that from
    the beginning. A second process waits for the first one and takes its file.

    `checksum` is "md5:..." or "sha256:...", or the first digits of it; None is not checked.

    Raises:
        requests.RequestException: no network, an HTTP error, a connection that broke off.
        InputError: `path` is there with another checksum; the file of `address` has another one
            (it is deleted); the folder cannot be written to.
    """
    if path.exists():
        _check(path, checksum, f"delete it to have it fetched again from {address}")
        return
    make_folder(path.parent)
    try:
        with _held(path.with_name(f"{path.name}.part")) as part:
            if path.exists():  # another process was quicker
                return
            _receive(address, part, path.name)
            try:
                _check(Path(part.name), checksum, f"it came from {address} and is deleted again")
            except InputError:
                os.unlink(part.name)
                raise
            os.replace(part.name, path)
    except requests.RequestException:
        raise
    except OSError as error:
        raise InputError(f"{path}: cannot write: {error.strerror}") from error


def _check(path: Path, checksum: str | None, advice: str) -> None:
    if not checksum:
        return
    algorithm, expected = checksum.lower().split(":")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, algorithm).hexdigest()
    if not found.startswith(expected):
        raise InputError(
            f"{path}: expected the checksum {checksum}. Received: {algorithm}:{found}; {advice}"
        )


@contextmanager
def _held(path: Path) -> Iterator[BinaryIO]:
    """The file `path`, open for appending and locked; it goes if it is empty in the end."""
    while True:
        with path.open("ab") as file:
            _lock(file)
            if not _is_at(path, file):  # renamed or deleted by the process that had the lock
                continue
            try:
                yield file
            finally:
                if _is_at(path, file) and not path.stat().st_size:
                    path.unlink()
            return


def _lock(file: BinaryIO) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"waiting for another process that writes {file.name}", file=sys.stderr, flush=True)
        fcntl.flock(file, fcntl.LOCK_EX)


def _is_at(path: Path, file: BinaryIO) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _receive(address: str, part: BinaryIO, label: str) -> None:
    """Append to `part` what it lacks of the file of `address`."""
    start = os.fstat(part.fileno()).st_size
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    with requests.get(address, headers=headers, stream=True, timeout=TIMEOUT) as response:
        span = response.headers.get("Content-Range", "")  # "bytes 5-9/10", or "bytes */10"
        if response.status_code == 416 and span == f"bytes */{start}":
            return  # the part is the whole file
        if response.status_code != 416:
            response.raise_for_status()
        if start and not (response.status_code == 206 and span.startswith(f"bytes {start}-")):
            part.truncate(0)
            start = 0
            if response.status_code != 200:
                return _receive(address, part, label)
        length = response.headers.get("Content-Length")
        size = None if length is None else start + int(length)
        done = start
        try:
            with progress(label, total=size or 0, start=start) as bar:
                for chunk in response.iter_content(CHUNK):
                    part.write(chunk)
                    done += len(chunk)
                    bar.update(len(chunk))
        finally:
            part.flush()
    if size is not None and done != size:
        raise requests.ConnectionError(f"broken off after {done:,} of {size:,} bytes")
