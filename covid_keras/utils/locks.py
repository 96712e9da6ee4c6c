"""Hold a folder, so that one process at a time writes into it."""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from covid_keras.utils.errors import InputError
from covid_keras.utils.files import OURS, make_folder, sweep

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

NAME = f"{OURS}_lock"
"""A hidden file in the folder that is held; it names the process that holds it."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder, so that no other process of this package writes into it.

    The folder is made if needed, and removed again if it stays empty; what killed processes left
    in it is removed. The system frees the lock when the process ends, however it ends: a lock file
    that is left holds nothing. Where the system or the disk has no such locks (Windows, some
    network disks) nothing is held.

    Raises:
        InputError: another process holds it, or the folder cannot be made or written to.
    """
    made = [each for each in (folder, *folder.parents) if not each.exists()]
    make_folder(folder)
    held = _hold(folder)
    try:
        sweep(folder.rglob(f"{OURS}_*"))
        yield
    finally:
        if held is not None:
            if _is_file(held, folder / NAME):  # not the one of a folder made anew meanwhile
                (folder / NAME).unlink()
            os.close(held)
        with suppress(OSError):  # until the first that is not empty
            for each in filter(Path.exists, made):
                each.rmdir()


def _hold(folder: Path) -> int | None:
    """Open and lock the lock file; None where there are no locks."""
    while fcntl is not None:
        try:
            file = os.open(folder / NAME, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise InputError(f"{folder}: cannot write: {error.strerror}") from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(file, 200).decode("utf-8", "replace") or "another process"
            os.close(file)
            raise InputError(
                f"{folder}: expected a folder that no other process writes to. Received: one in use"
                f" by {holder}; wait until it has ended"
            ) from None
        except OSError:  # a disk without locks
            os.close(file)
            (folder / NAME).unlink(missing_ok=True)
            return None
        if _is_file(file, folder / NAME):
            os.ftruncate(file, 0)
            os.write(file, f"process {os.getpid()} on {platform.node()}".encode())
            return file
        os.close(file)  # its holder has just removed it
    return None


def _is_file(opened: int, path: Path) -> bool:
    """Return whether an open file is the one at this path."""
    try:
        return os.path.samestat(os.fstat(opened), path.stat())
    except FileNotFoundError:
        return False
