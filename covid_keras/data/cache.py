"""Decoded slices on disk: one file of uint8 slices, and one byte a slice that says it is there."""

import hashlib
from pathlib import Path

import numpy as np

from covid_keras.files import make_folder


class SliceCache:
    """Slices of one size, filled as they are first read; safe to fill from several threads."""

    def __init__(self, path: Path, count: int, size: int) -> None:
        make_folder(path.parent)
        self._slices = _open(path.with_suffix(".u8"), (count, size, size))
        self._filled = _open(path.with_suffix(".filled"), (count,))

    @classmethod
    def open(cls, folder: str, key: tuple, count: int, size: int) -> "SliceCache | None":
        """The cache for exactly this list of images and geometry, or None without a folder."""
        if not folder:
            return None
        name = hashlib.sha256(repr(key).encode()).hexdigest()[:24]
        return cls(Path(folder) / name, count, size)

    def get(self, index: int) -> np.ndarray | None:
        """uint8 (size, size), or None where it was not put yet."""
        return np.array(self._slices[index]) if self._filled[index] else None

    def put(self, index: int, slice_: np.ndarray) -> None:
        """Keep uint8 (size, size); marked as filled only once it is written."""
        self._slices[index] = slice_
        self._filled[index] = 1


def _open(path: Path, shape: tuple[int, ...]) -> np.memmap:
    mode = "r+" if path.exists() and path.stat().st_size == np.prod(shape) else "w+"
    return np.memmap(path, np.uint8, mode, shape=shape)
