"""Decoded slices on disk: one file of uint8 slices, and one byte a slice that says it is there."""

import hashlib
import os
from pathlib import Path

import numpy as np

from covid_keras.utils.errors import InputError
from covid_keras.utils.files import make_folder


class SampleCache:
    """Samples of one size, filled as they are first read; safe to fill from several threads.

    Read and written at offsets and not mapped into memory: a mapped file on a disk that runs full
    kills the process instead of raising.
    """

    def __init__(self, path: Path, shape: tuple[int, int]) -> None:
        self._folder = path.parent
        self._shape = shape
        make_folder(self._folder)
        self._slices = self._open(path.with_suffix(".u8"))
        self._filled = self._open(path.with_suffix(".filled"))

    @classmethod
    def open(cls, folder: str, key: tuple, shape: tuple[int, int]) -> "SampleCache":
        """The cache for exactly this list of images and geometry.

        Raises:
            InputError: the folder cannot be written to.
        """
        name = hashlib.sha256(repr(key).encode()).hexdigest()[:24]
        return cls(Path(folder) / name, shape)

    def get(self, index: int) -> np.ndarray | None:
        """uint8 (height, width), or None where it was not put yet."""
        if os.pread(self._filled.fileno(), 1, index) != b"\1":
            return None
        slice_ = np.empty(self._shape, np.uint8)
        read = os.preadv(self._slices.fileno(), [slice_], index * slice_.nbytes)
        return slice_ if read == slice_.nbytes else None

    def put(self, index: int, slice_: np.ndarray) -> None:
        """Keep uint8 (height, width); marked as filled only once it is written.

        Raises:
            InputError: the disk is full.
        """
        pixels = slice_.tobytes()
        try:
            written = os.pwrite(self._slices.fileno(), pixels, index * len(pixels))
            if written == len(pixels):
                os.pwrite(self._filled.fileno(), b"\1", index)
        except OSError as error:
            raise self._cannot_write(error) from error

    def _open(self, path: Path):
        try:
            return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b", buffering=0)
        except OSError as error:
            raise self._cannot_write(error) from error

    def _cannot_write(self, error: OSError) -> InputError:
        return InputError(f"{self._folder}: cannot write the cache: {error.strerror}")
