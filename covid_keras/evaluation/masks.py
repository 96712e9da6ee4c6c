"""Test images with their lungs alone, or without them, where masks of the lungs are at hand."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
import pandas as pd

from covid_keras.images import geometry
from covid_keras.images.read import IMAGE_SUFFIXES, decode_image, read_bytes, read_image
from covid_keras.pipeline.samples import Samples
from covid_keras.utils.errors import InputError

LUNG = 255
"""What a mask holds inside of the lungs; 0 outside."""


@dataclass
class MaskedSamples(Samples):
    """Samples of which only the lungs, or all but the lungs, are left; the rest is 0.

    The mask goes through the same crop and resize as its image.

    Args:
        masks: one file a record.
        lungs: whether the lungs are what is left.
    """

    masks: tuple[Path, ...] = ()
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
        return slice_ * ((inside > LUNG // 2) == self.lungs)


def with_masks(records: pd.DataFrame, folder: Path) -> tuple[pd.DataFrame, tuple[Path, ...]]:
    """The records that have a mask in `folder`, and the masks in the same order.

    A mask is a PNG with the image's path, or with its name where no two images have the same.

    Raises:
        InputError: no such folder, or no mask in it for any of the images.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: expected a folder with masks. Received: no such folder")
    stems = records["image"].map(_stem)
    times = Counter(stem.name for stem in stems)
    found = {}
    for row, stem in stems.items():
        places = [str(stem), *([stem.name] if times[stem.name] == 1 else [])]
        masks = [path for place in places if (path := folder / f"{place}.png").is_file()]
        if masks:
            found[row] = masks[0]
    if not found:
        first = PurePosixPath(records["image"].iloc[0]).with_suffix(".png")
        raise InputError(f"{folder}: expected masks named like the images, as {first.name}")
    return records.loc[list(found)], tuple(found.values())


def read_mask(path: Path, shape: tuple[int, int]) -> np.ndarray:
    """uint8 (H, W) of the image's shape: `LUNG` where the file is not black, else 0.

    Raises:
        InputError: it cannot be read, is all lung or has none, or has other proportions than its
            image.
    """
    mask = np.where(decode_image(read_bytes(path), path) > 0, LUNG, 0).astype(np.uint8)
    if mask.min() == mask.max():
        received = "no lung" if mask.max() == 0 else "nothing but lung"
        raise InputError(
            f"{path}: expected a mask, black outside of the lungs. Received: {received}"
        )
    height, width = shape
    if abs(mask.shape[0] * width - mask.shape[1] * height) > max(mask.shape) + max(shape):
        raise InputError(
            f"{path}: expected a mask of the image's proportions, {width} x {height}."
            f" Received: {mask.shape[1]} x {mask.shape[0]}"
        )
    return cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST)


def masked(slices: Samples, masks: tuple[Path, ...], lungs: bool) -> MaskedSamples:
    """The same slices with the lungs alone, or without them."""
    settings = {name: getattr(slices, name) for name in ("records", "root", "classes", "spec")}
    return MaskedSamples(**settings, size=slices.size, masks=masks, lungs=lungs)


def _stem(image: str) -> PurePosixPath:
    """Without the suffix of an image; a DICOM file's numbers are none."""
    whole = PurePosixPath(image)
    return whole.with_suffix("") if whole.suffix.lower() in IMAGE_SUFFIXES else whole
