"""NIfTI and MetaImage volumes of CT: axial slices in Hounsfield units, as scanners show them.

The file's affine gives the orientation: rows go from front to back, columns from the patient's
right to the left, slices from the feet to the head. Values are taken as they are, with the file's
slope and intercept.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

import numpy as np

from covid_keras.images.presentation import apply_window
from covid_keras.utils.errors import InputError
from covid_keras.utils.optional import need

MOST_VOXELS = 512 * 512 * 2048
AIR = -500
"""Hounsfield units; a volume without lower values is no CT of a body in them."""


class Volume:
    """One volume. Its voxels are in memory from the first slice read until each has been.

    Args:
        path: of the file.

    Raises:
        InputError: SimpleITK is not installed, or the header is damaged, not of three dimensions,
            or of more than `MOST_VOXELS`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        need("SimpleITK", f"{path}: a volume", "volumes")
        size, across = self._header()
        self.slices = size[across]
        """Number of axial slices."""
        self._lock, self._voxels, self._unread = Lock(), None, 0

    def grey(self, number: int, window: tuple[float, float]) -> np.ndarray:
        """Return axial slice `number`, from the feet, as uint8 (H, W).

        Args:
            window: centre and width in Hounsfield units.

        Raises:
            InputError: the file is damaged, or its values are no Hounsfield units.
        """
        with self._lock:
            if self._voxels is None:
                self._voxels, self._unread = self._read(), self.slices
            values = self._voxels[number]
            self._unread -= 1
            if not self._unread:
                self._voxels = None
        return apply_window(values, window)

    def _header(self) -> tuple[tuple[int, ...], int]:
        """Return the size of each axis in the file, and which one runs along the body."""
        import SimpleITK

        with _explained(self.path):
            reader = SimpleITK.ImageFileReader()
            reader.SetFileName(str(self.path))
            reader.ReadImageInformation()
            size, channels = reader.GetSize(), reader.GetNumberOfComponents()
        shape = " x ".join(map(str, size))
        for wanted, fits, received in (
            ("three dimensions", len(size) == 3, shape),
            ("one value each voxel", channels == 1, channels),
            (f"at most {MOST_VOXELS:,} voxels", np.prod(size, dtype=float) <= MOST_VOXELS, shape),
        ):
            if not fits:
                raise InputError(f"{self.path}: expected {wanted}. Received: {received}")
        letters = SimpleITK.DICOMOrientImageFilter.GetOrientationFromDirectionCosines(
            reader.GetDirection()
        )
        return size, re.search("[SI]", letters).start()

    def _read(self) -> np.ndarray:
        """Return the voxels (slices, rows, columns)."""
        import SimpleITK

        with _explained(self.path):
            image = SimpleITK.DICOMOrient(SimpleITK.ReadImage(str(self.path)), "LPS")
            voxels = SimpleITK.GetArrayFromImage(image)
        low, high = voxels.min(), voxels.max()
        if not low < AIR:
            expected = f"Hounsfield units, of air less than {AIR}"
            raise InputError(f"{self.path}: expected {expected}. Received: {low:g} to {high:g}")
        return voxels


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what SimpleITK raises into InputError; places in its source are left out."""
    try:
        yield
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1].rpartition("): ")[2]
        raise InputError(f"{path}: damaged volume: {reason}") from None
