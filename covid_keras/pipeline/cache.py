"""Keep decoded samples on disk: one file of uint8 pixels, and one byte per sample once written."""

import hashlib
import os
from pathlib import Path

import numpy as np

from covid_keras.utils.errors import InputError
from covid_keras.utils.files import make_folder


class SampleCache:
    """A cache of samples of one size; several threads may read and write it.

    The files are not mapped into memory: a mapped file on a full disk kills the process, where a
    write raises.
    """

    def __init__(self, path: Path, shape: tuple[int, int]) -> None:
        self._folder = path.parent
        self._shape = shape
        make_folder(self._folder)
        self._pixels = self._open(path.with_suffix(".u8"))
        self._written = self._open(path.with_suffix(".filled"))

    @classmethod
    def open(cls, folder: str, key: tuple, shape: tuple[int, int]) -> "SampleCache":
        """Open the cache in `folder` that belongs to `key`: the images and their geometry.

        Raises:
            InputError: the folder cannot be written to.
        """
        name = hashlib.sha256(repr(key).encode()).hexdigest()[:24]
        return cls(Path(folder) / name, shape)

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
        try:
            written = os.pwrite(self._pixels.fileno(), pixels, index * len(pixels))
            if written == len(pixels):
                os.pwrite(self._written.fileno(), b"\1", index)
        except OSError as error:
            raise self._cannot_write(error) from error

    def _open(self, path: Path):
        try:
            return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b", buffering=0)
        except OSError as error:
            raise self._cannot_write(error) from error

    def _cannot_write(self, error: OSError) -> InputError:
        return InputError(f"{self._folder}: cannot write the cache: {error.strerror}")
