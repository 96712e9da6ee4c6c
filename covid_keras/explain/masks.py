"""Test images with their lungs alone, or without them, where masks of the lungs are at hand."""

from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
import pandas as pd

from covid_keras.data import geometry
from covid_keras.data.pipeline import Slices
from covid_keras.data.readers import IMAGE_SUFFIXES, decode_image, read_bytes, read_image
from covid_keras.errors import InputError

SUFFIXES = (".png", ".jpg", ".jpeg")
INSIDE = 128
"""Mask values from which on a pixel is lung."""


@dataclass
class MaskedSlices(Slices):
    """Slices of which only the lungs, or all but the lungs, are left; the rest is 0.

    The mask goes through the same crop and resize as its image.

    Args:
        masks: one file a record.
        lungs: whether the lungs are what is left.
    """

    masks: tuple[Path, ...] = field(default=())
    lungs: bool = True

    def _decode(self, index: int) -> np.ndarray:
        path = self.root / self.images[index]
        image = read_image(path, self.spec.window)
        mask = read_mask(self.masks[index], image.shape)
        box = geometry.chosen_box(image, self._box(index), self.spec)
        slice_, inside = (
            geometry.fitted(part if box is None else geometry.crop(part, box), self.spec, self.size)
            for part in (image, mask)
        )
        return slice_ * ((inside >= INSIDE) == self.lungs)


def with_masks(records: pd.DataFrame, folder: Path) -> tuple[pd.DataFrame, tuple[Path, ...]]:
    """The records that have a mask in `folder`, and the masks in the same order.

    A mask has the image's path or only its name, as PNG or JPEG.

    Raises:
        InputError: no such folder, or no mask in it for any of the images.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: expected a folder with masks. Received: no such folder")
    found = {row: mask for row, image in records["image"].items() if (mask := _mask(folder, image))}
    if not found:
        first = PurePosixPath(records["image"].iloc[0]).with_suffix(".png")
        raise InputError(f"{folder}: expected masks named like the images, as {first.name}")
    return records.loc[list(found)], tuple(found.values())


def read_mask(path: Path, shape: tuple[int, int]) -> np.ndarray:
    """uint8 (H, W) of the image's shape.

    Raises:
        InputError: it cannot be read, or has other proportions than its image.
    """
    mask = decode_image(read_bytes(path), path)
    height, width = shape
    if abs(mask.shape[0] * width - mask.shape[1] * height) > max(mask.shape) + max(shape):
        raise InputError(
            f"{path}: expected a mask of the image's proportions, {width} x {height}."
            f" Received: {mask.shape[1]} x {mask.shape[0]}"
        )
    return cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST)


def masked(slices: Slices, masks: tuple[Path, ...], lungs: bool) -> MaskedSlices:
    """The same slices with the lungs alone, or without them."""
    settings = {name: getattr(slices, name) for name in ("records", "root", "classes", "spec")}
    return MaskedSlices(**settings, size=slices.size, masks=masks, lungs=lungs)


def _mask(folder: Path, image: str) -> Path | None:
    whole = PurePosixPath(image)
    if whole.suffix.lower() in IMAGE_SUFFIXES:
        whole = whole.with_suffix("")
    places = [folder / f"{name}{suffix}" for name in (whole, whole.name) for suffix in SUFFIXES]
    return next((path for path in places if path.is_file()), None)
