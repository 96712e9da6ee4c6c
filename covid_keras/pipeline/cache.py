"""Keep decoded samples on disk: one file of uint8 pixels, and one byte per sample once written.

Or, where they are few, in memory.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from covid_keras.utils.errors import InputError
from covid_keras.utils.files import make_folder


class MemoryCache:
    """A cache of samples of one size in memory; several threads may read and write it."""

    def __init__(self, number: int, shape: tuple[int, int]) -> None:
        self._pixels = np.empty((number, *shape), np.uint8)
        self._written = np.zeros(number, bool)

    def get(self, index: int) -> np.ndarray | None:
        """Return uint8 (height, width), or None if it is not in the cache."""
        return self._pixels[index] if self._written[index] else None

    def put(self, index: int, sample: np.ndarray) -> None:
        """Keep uint8 (height, width), then mark it as written."""
        self._pixels[index] = sample
        self._written[index] = True


class SampleCache:
    """A cache of samples of one size; several threads may read and write it.

    The files are not mapped into memory: a mapped file on a full disk kills the process, where a
    write raises.
    """

    def __init__(self, folder: str, key: tuple, shape: tuple[int, int]) -> None:
        """Open the cache in `folder` that belongs to `key`: the images and their geometry.

        Raises:
            InputError: the folder cannot be written to.
        """
        self._folder = Path(folder)
        self._shape = shape
        make_folder(self._folder)
        name = hashlib.sha256(repr(key).encode()).hexdigest()[:24]
        mode = os.O_RDWR | os.O_CREAT
        with self._explained():
            self._pixels, self._written = (
                os.fdopen(os.open(self._folder / f"{name}{suffix}", mode, 0o666), "r+b", 0)
                for suffix in (".u8", ".filled")
            )

    def get(self, index: int) -> np.ndarray | None:
        """Return uint8 (height, width), or None if it is not in the cache."""
        if os.pread(self._written.fileno(), 1, index) != b"\1":
            return None
        sample = np.empty(self._shape, np.uint8)
        read = os.preadv(self._pixels.fileno(), [sample], index * sample.nbytes)
        return sample if read == sample.nbytes else None

    def put(self, index: int, sample: np.ndarray) -> None:
        """Write uint8 (height, width), then mark it as written.

        Raises:
            InputError: the disk is full.
        """
        pixels = sample.tobytes()
        with self._explained():
            written = os.pwrite(self._pixels.fileno(), pixels, index * len(pixels))
            if written == len(pixels):
                os.pwrite(self._written.fileno(), b"\1", index)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            problem = f"cannot write the cache: {error.strerror}"
            raise InputError(f"{self._folder}: {problem}") from error
