"""Read JSON; write files and folders so that nothing is half-written: write beside, then rename."""

import json
import os
import shutil
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from covid_keras.utils.errors import InputError


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` for a file; rename it to `path` on success.

    The temporary name keeps the suffix of `path`, because Keras and Matplotlib read the format
    from it. After an exception, Ctrl-C included, the temporary file is gone and `path` unchanged.

    Raises:
        InputError: the folder cannot be made or written to, or the disk is full.
    """
    path = Path(path)
    with _explained(path):
        make_folder(path.parent)
        temporary = path.with_name(f".{uuid4().hex}{''.join(path.suffixes)}")
        temporary.touch()
        try:
            yield temporary
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """Yield a new empty folder; it replaces `path` on success. Otherwise as `atomic_path`."""
    path = Path(path)
    with _explained(path):
        make_folder(path.parent)
        temporary = path.with_name(f".{uuid4().hex}")
        temporary.mkdir()
        try:
            yield temporary
            if path.exists():
                shutil.rmtree(path)
            os.replace(temporary, path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


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
    """Read JSON. Raises InputError, with file and line, if it is missing or not JSON."""
    try:
        return json.loads(read_text(path, "JSON"))
    except json.JSONDecodeError as error:
        raise InputError(f"{path}:{error.lineno}: not JSON: {error.msg}") from None


def read_json_value(path: str | Path, key: str) -> object:
    """Return a value of a JSON object. Raises InputError as `read_json`, or if `key` is missing."""
    value = read_json(path)
    if not isinstance(value, dict) or key not in value:
        raise InputError(f"{path}: damaged: expected a JSON object with the key {key}")
    return value[key]


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn errors of the operating system into InputError naming `path`."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise InputError(f"{path}: cannot write: {os.strerror(error.errno)}") from error
