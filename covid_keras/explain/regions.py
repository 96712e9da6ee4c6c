"""Where the disease is: a mask or boxes of each image, from a folder or a CSV."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from covid_keras.datasets.folder import ALIASES
from covid_keras.datasets.label_files import read_csv
from covid_keras.images.masks import LUNG, find_masks, read_region
from covid_keras.utils.errors import InputError

SIDES = ("x_frac", "y_frac", "w_frac", "h_frac")
"""Columns of a CSV of boxes: left, top, width and height as shares of the image's sides."""
Region = Callable[[tuple[int, int]], np.ndarray]
"""Gives the mask of an image of this height and width, uint8: 255 inside, 0 outside."""


def find_regions(images: Sequence[str], source: Path) -> list[Region | None]:
    """Return what reads the region of each image, None where the source has none.

    Args:
        images: their paths, as records have them.
        source: a folder of PNG masks, see `find_masks`, or a CSV of boxes with the columns image
            and `SIDES`, one row for each box.

    Raises:
        InputError: no such file or folder, none of the images in it, or a box outside its image.
    """
    if source.suffix.lower() == ".csv":
        return _boxes(images, source)
    masks = find_masks(images, source)
    return [mask and partial(read_region, mask) for mask in masks]


def _boxes(images: Sequence[str], file: Path) -> list[Region | None]:
    aliases = {"image": ALIASES["image"]}
    boxes: dict[str, list[tuple[float, ...]]] = {}
    for line, row in read_csv(file, ["image", *SIDES], aliases):
        boxes.setdefault(row["image"] or "", []).append(_box(row, f"{file}:{line}"))
    if not boxes.keys() & set(images):
        raise InputError(f"{file}: expected boxes of the images, as {images[0]}. Received: none")
    return [partial(_draw, boxes[image]) if image in boxes else None for image in images]


def _box(row: dict[str, str], place: str) -> tuple[float, ...]:
    try:
        x, y, width, height = (float(row[side]) for side in SIDES)
    except (TypeError, ValueError):
        x = y = width = height = -1.0
    slack = 1 + 1e-6
    if not (0 <= x < x + width <= slack and 0 <= y < y + height <= slack):
        received = ", ".join(str(row[side]) for side in SIDES)
        raise InputError(f"{place}: expected a box inside of [0, 1]. Received: {received}")
    return x, y, width, height


def _draw(boxes: Sequence[tuple[float, ...]], shape: tuple[int, int]) -> np.ndarray:
    """Return the mask of boxes, at least one pixel each."""
    mask = np.zeros(shape, np.uint8)
    height, width = shape
    for x, y, w, h in boxes:
        top, left = int(y * height), int(x * width)
        bottom, right = round((y + h) * height), round((x + w) * width)
        mask[top : max(bottom, top + 1), left : max(right, left + 1)] = LUNG
    return mask
