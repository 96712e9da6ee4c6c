"""Masks of the lungs or the disease: find the file of each image, and read it."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import cv2
import numpy as np

from covid_keras.images.formats import read_bytes, without_suffix
from covid_keras.images.read import decode_image
from covid_keras.utils.errors import InputError

LUNG = 255
"""Value of a mask inside; 0 outside."""


def find_masks(images: Sequence[str], folder: Path) -> list[Path | None]:
    """Return the mask of each image in `folder`, None if it has none.

    A mask is a PNG with the image's path, or with its name if no two images have the same.

    Raises:
        InputError: no such folder, or no mask in it for any of the images.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: expected a folder with masks. Received: no such folder")
    stems = [PurePosixPath(without_suffix(image)) for image in images]
    times = Counter(stem.name for stem in stems)
    masks = []
    for stem in stems:
        names = [stem, stem.name] if times[stem.name] == 1 else [stem]
        files = (folder / f"{name}.png" for name in names)
        masks.append(next((file for file in files if file.is_file()), None))
    if not any(masks):
        first = PurePosixPath(images[0]).with_suffix(".png")
        raise InputError(f"{folder}: expected masks named like the images, as {first.name}")
    return masks


def read_mask(path: Path, shape: tuple[int, int]) -> np.ndarray:
    """Read a mask of the lungs as `read_region` does.

    Raises:
        InputError: also if it is all lung, or has none.
    """
    mask = read_region(path, shape)
    if mask.min() == mask.max():
        lung = "no lung" if mask.max() == 0 else "nothing but lung"
        raise InputError(f"{path}: expected a mask, black outside of the lungs. Received: {lung}")
    return mask


def read_region(path: Path, shape: tuple[int, int]) -> np.ndarray:
    """Read a mask as uint8 (H, W) of the image's shape: `LUNG` where the file is not black, else 0.

    Raises:
        InputError: it cannot be read, or has other proportions than its image.
    """
    mask = np.where(decode_image(read_bytes(path), path) > 0, LUNG, 0).astype(np.uint8)
    height, width = shape
    if abs(mask.shape[0] * width - mask.shape[1] * height) > max(mask.shape) + max(shape):
        raise InputError(
            f"{path}: expected a mask of the image's proportions, {width} x {height}."
            f" Received: {mask.shape[1]} x {mask.shape[0]}"
        )
    return cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST)
