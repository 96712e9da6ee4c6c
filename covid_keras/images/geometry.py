"""From a grey slice of any size to the one that the network sees.

The same code serves training, evaluation and prediction; `covid_keras.export.graph` does the same
arithmetic in TensorFlow for the SavedModel, bit for bit. That is why every step here is exact:
integer box means, OpenCV's bit-exact bilinear resize, Otsu from integer moments.
"""

import cv2
import numpy as np

from covid_keras.recipes.config import Input, Sides, height_width
from covid_keras.utils.errors import InputError

Box = tuple[int, int, int, int]
"""x0, y0, x1, y1 in pixels of the stored image; x1 and y1 exclusive."""

THUMBNAIL = 128
"""The body is looked for on a thumbnail whose longer side has at most this many pixels."""
BODY_AREA = 0.25
"""A body box smaller than this share of the image is not believed."""
BODY_FOREGROUND = 0.9
"""Nor is one that holds less than this share of the pixels above the threshold."""


def prepare(image: np.ndarray, box: Box | None, spec: Input, size: Sides) -> np.ndarray:
    """Crop and resize one slice.

    Args:
        image: uint8 (H, W), grey.
        box: the annotated box, or None where the image has none.
        spec: the recipe's geometry.
        size: of the result: `spec.resize` in training, `spec.crop` else.

    Returns:
        uint8 (height, width).

    Raises:
        InputError: the box is not inside the image.
    """
    chosen = chosen_box(image, box, spec)
    return fitted(image if chosen is None else crop(image, chosen), spec, size)


def chosen_box(image: np.ndarray, box: Box | None, spec: Input) -> Box | None:
    """The box that `prepare` crops to: the annotated one, the body's, or None for no crop."""
    if spec.box == "annotated" and box is not None:
        return box
    return body_box(image) if spec.box in ("annotated", "body") else None


def fitted(image: np.ndarray, spec: Input, size: Sides) -> np.ndarray:
    """The cropped slice at its size: resized, or placed on a canvas."""
    fit = place_on_canvas if spec.fit == "canvas" else resize
    return fit(image, *height_width(size))


def crop(image: np.ndarray, box: Box) -> np.ndarray:
    """The part of `image` inside `box`, a view. Raises InputError where it is not inside."""
    x0, y0, x1, y1 = box
    height, width = image.shape
    if not (0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height):
        raise InputError(
            f"box outside the image: expected 0 <= x0 < x1 <= {width} and 0 <= y0 < y1 <= {height}."
            f" Received: {x0} {y0} {x1} {y1}"
        )
    return image[y0:y1, x0:x1]


def resize(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resize uint8 (H, W) to (height, width): box means by whole factors, then bilinear.

    The box mean keeps a large reduction free of aliasing, as Pillow's and torchvision's
    antialiased resize do; the rest, below a factor of two, is OpenCV's INTER_LINEAR_EXACT.
    """
    image = shrink(image, max(1, image.shape[0] // height), max(1, image.shape[1] // width))
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR_EXACT)


def shrink(image: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Means over boxes of rows x columns pixels; what does not fill a box is cut evenly."""
    if rows == columns == 1:
        return image
    height, width = image.shape[0] // rows, image.shape[1] // columns
    top = (image.shape[0] - height * rows) // 2
    left = (image.shape[1] - width * columns) // 2
    image = image[top : top + height * rows, left : left + width * columns]
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


def place_on_canvas(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resize keeping the aspect ratio so that all is seen, centred on black (height, width)."""
    scale = min(height / image.shape[0], width / image.shape[1])
    rows = min(height, max(1, int(image.shape[0] * scale + 0.5)))
    columns = min(width, max(1, int(image.shape[1] * scale + 0.5)))
    top, left = (height - rows) // 2, (width - columns) // 2
    canvas = np.zeros((height, width), np.uint8)
    canvas[top : top + rows, left : left + columns] = resize(image, rows, columns)
    return canvas


def body_box(image: np.ndarray) -> Box:
    """The box around the body: Otsu's threshold, then the largest connected region.

    The whole image where that box is implausible (see BODY_AREA and BODY_FOREGROUND), so that the
    crop never cuts away what a wrong guess took for background.
    """
    height, width = image.shape
    whole = (0, 0, width, height)
    factor = max(1, -(-max(height, width) // THUMBNAIL))
    if factor > min(height, width):
        return whole
    thumbnail = shrink(image, factor, factor)
    mask = (thumbnail > otsu_threshold(thumbnail)).astype(np.uint8)
    count, _, regions, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    if count < 2:
        return whole
    left, top, columns, rows, _ = regions[1 + np.argmax(regions[1:, cv2.CC_STAT_AREA])]
    inside = mask[top : top + rows, left : left + columns].sum()
    if columns * rows < BODY_AREA * mask.size or inside < BODY_FOREGROUND * mask.sum():
        return whole
    x0, x1 = _stored_pixels(left, left + columns, mask.shape[1], factor, width)
    y0, y1 = _stored_pixels(top, top + rows, mask.shape[0], factor, height)
    return x0, y0, x1, y1


def otsu_threshold(image: np.ndarray) -> int:
    """Otsu's threshold t of uint8 pixels: the foreground is `image > t`."""
    counts = np.bincount(image.ravel(), minlength=256).astype(np.float64)
    below = np.cumsum(counts)
    moment = np.cumsum(counts * np.arange(256))
    above = below[-1] - below
    spread = (moment * below[-1] - moment[-1] * below) ** 2
    return int(np.argmax(spread / np.maximum(below * above, 1)))


def _stored_pixels(start: int, end: int, cells: int, factor: int, size: int) -> tuple[int, int]:
    """Thumbnail cells [start, end) to stored pixels; an edge cell reaches to the image's edge."""
    offset = (size - cells * factor) // 2
    first = 0 if start == 0 else offset + start * factor
    last = size if end == cells else offset + end * factor
    return int(first), int(last)
