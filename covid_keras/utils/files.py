"""Read JSON; write files and folders so that nothing is half-written: write beside, then rename."""

import hashlib
import json
import os
import platform
import re
import shutil
import time
import tomllib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from covid_keras.utils.errors import InputError

OURS = ".covid_keras"
"""Beginning of the names of temporary folders and locks."""

PARTIAL = ".partial"
"""End of the name of a file that still grows, or whose writer was stopped."""

_TEMPORARY = re.compile(rf"{re.escape(OURS)}_(.*)_(\d+)_[0-9a-f]+")
"""Name of a temporary folder: host, process number, and what tells it from others."""
_FORGOTTEN = 7 * 24 * 3600
"""Seconds after which another host's temporary folder counts as left behind."""
_in_use: set[str] = set()
"""Names of the temporary folders of this process."""


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path for a file; rename it to `path` on success.

    It has the name of `path`, as Keras and Matplotlib read the format from it, in a hidden folder
    beside, so that no search for results finds it. After an exception, Ctrl-C included, it is gone
    and `path` unchanged; what a killed process left behind is removed by the next one.

    Raises:
        InputError: the folder cannot be made or written to, or the disk is full.
    """
    with _beside(Path(path)) as temporary:
        yield temporary
        os.replace(temporary, path)


@contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """Yield a new empty folder; it replaces `path` on success. Otherwise as `atomic_path`."""
    path = Path(path)
    with _beside(path) as temporary:
        temporary.mkdir()
        yield temporary
        if path.exists():
            os.replace(path, temporary.with_name(f"{path.name}.before"))
        os.replace(temporary, path)


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """Yield a path of the same name in a temporary folder beside `path`."""
    with _explained(path):
        make_folder(path.parent)
        sweep(path.parent.glob(f"{OURS}_*"))
        name = f"{OURS}_{platform.node()}_{os.getpid()}_{uuid4().hex[:8]}"
        folder = path.parent / name
        _in_use.add(name)
        try:
            folder.mkdir()
            yield folder / path.name
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            _in_use.discard(name)


def sweep(folders: Iterable[Path]) -> None:
    """Remove those of the temporary folders that processes which have ended left behind."""
    for left in list(folders):
        named = _TEMPORARY.fullmatch(left.name)
        if named and left.name not in _in_use and _is_forgotten(left, named[1], int(named[2])):
            shutil.rmtree(left, ignore_errors=True)


def _is_forgotten(left: Path, host: str, process: int) -> bool:
    """Return whether no process uses a temporary folder that is not this process's own."""
    if host == platform.node():  # an own number is of a process before a restart of the machine
        return process == os.getpid() or not _is_running(process)
    with suppress(OSError):
        return time.time() - left.stat().st_mtime > _FORGOTTEN
    return False


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OverflowError:  # no system counts so far
        return False
    except PermissionError:  # of another user
        return True
    return True


@contextmanager
def growing_file(path: Path) -> Iterator[Callable[[str], None]]:
    """Yield a function that adds text to the file NAME`PARTIAL`, which gets its name on success.

    The text is in the file when the function returns. After an exception, or a kill, what was added
    so far is still there, under the name that says so.

    Raises:
        InputError: the file cannot be written to, or the disk is full; what does not fit is left
            out whole.
    """
    partial = path.with_name(path.name + PARTIAL)
    with _explained(partial):
        make_folder(path.parent)
        file = partial.open("wb", buffering=0)

    def add(text: str) -> None:
        before, rest = file.tell(), text.encode("utf-8", "backslashreplace")
        with _explained(partial):
            try:
                while rest:
                    rest = rest[file.write(rest) :]
            except OSError:
                file.truncate(before)
                raise

    with file:
        yield add
    with _explained(path):
        os.replace(partial, path)


def visible(folder: Path, pattern: str) -> list[Path]:
    """Return the sorted files that match, without hidden ones (macOS writes ._NAME beside NAME)."""
    return sorted(path for path in folder.glob(pattern) if not path.name.startswith("."))


def is_empty(folder: Path) -> bool:
    """Return whether a folder holds nothing, or only locks and temporary folders of the package."""
    return all(path.name.startswith(OURS) for path in folder.iterdir())


def cache_folder() -> Path:
    """Return the folder for what can be made again: COVID_KERAS_CACHE, or the user's cache."""
    import pooch  # slow

    return Path(os.environ.get("COVID_KERAS_CACHE") or pooch.os_cache("covid_keras"))


def make_folder(path: Path) -> None:
    """Make `path` and its parents. Raises InputError if that is not possible."""
    with _explained(path):
        path.mkdir(parents=True, exist_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Write `text` as UTF-8, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")


def write_json(path: str | Path, value: object) -> None:
    """Write `value` as indented JSON, atomically. NaN raises ValueError: use None instead."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_toml(path: Path) -> dict:
    """Read a TOML file of the package."""
    return tomllib.loads(path.read_text("utf-8"))


def read_text(path: str | Path, kind: str) -> str:
    """Read UTF-8, with or without a byte order mark. Raises InputError if that is not possible.

    Args:
        kind: what the file should hold, such as "JSON".
    """
    try:
        return Path(path).read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{path}: file not found") from None
    except OSError as error:
        raise InputError(f"{path}: cannot read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: expected {kind} in UTF-8. Received: other bytes") from None


def read_json(path: str | Path) -> object:
    """Read JSON. Raises InputError, with file and line, if it is missing or not JSON (as NaN)."""

    def refuse(name: str) -> None:
        raise ValueError(f"{name} is no number of it")

    try:
        return json.loads(read_text(path, "JSON"), parse_constant=refuse)
    except json.JSONDecodeError as error:
        raise InputError(f"{path}:{error.lineno}: not JSON: {error.msg}") from None
    except InputError:
        raise
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON: {error}") from None


def read_json_value(path: str | Path, key: str, kind: type = object) -> object:
    """Return a value of a JSON object.

    Args:
        kind: str, dict, ...; list is of different texts.

    Raises:
        InputError: as `read_json`; `key` is missing, or its value is of another kind.
    """
    value = read_json(path)
    if not isinstance(value, dict) or key not in value:
        raise InputError(f"{path}: damaged: expected a JSON object with the key {key}")
    found = value[key]
    fits = isinstance(found, kind)
    if fits and kind is list:
        fits = all(type(text) is str for text in found) and len(set(found)) == len(found)
    if not fits:
        expected = {str: "a text", dict: "an object", list: "a list of different texts"}[kind]
        raise InputError(f"{path}: {key}: expected {expected}. Received: {json.dumps(found)[:60]}")
    return found


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with _explained(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn errors of the operating system into InputError naming `path`."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise InputError(f"{path}: cannot write: {os.strerror(error.errno)}") from error
