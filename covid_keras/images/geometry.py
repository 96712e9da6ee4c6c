"""Crop and resize a grey image of any size to the size that the network takes.

`covid_keras.export.graph` repeats this in TensorFlow for the SavedModel, bit for bit. So every step
is exact: integer box means, OpenCV's bit-exact bilinear resize, Otsu's threshold from integers.
"""

import cv2
import numpy as np

from covid_keras.utils.errors import InputError

Box = tuple[int, int, int, int]
"""x0, y0, x1, y1 in pixels of the stored image; x1 and y1 exclusive."""

THUMBNAIL = 128
"""The body is searched on a thumbnail whose longer side has at most this many pixels."""
BODY_AREA = 0.25
"""Smallest share of the image that a plausible body box covers."""
BODY_FOREGROUND = 0.9
"""Smallest share of the pixels above the threshold that a plausible body box holds."""


def prepare(
    image: np.ndarray, box: Box | None, *, crop_to: str, fit: str, size: tuple[int, int]
) -> np.ndarray:
    """Crop and resize one image.

    Args:
        image: uint8 (H, W), grey.
        box: the annotated box, or None if the image has none.
        crop_to: "annotated", "body" or "none", see `chosen_box`.
        fit: "stretch" or "canvas", see `fit_to`.
        size: height and width of the result in pixels.

    Returns:
        uint8 (height, width).

    Raises:
        InputError: the box is not inside the image.
    """
    return fit_to(image, chosen_box(image, box, crop_to), fit, size)


def chosen_box(image: np.ndarray, box: Box | None, crop_to: str) -> Box | None:
    """Return the box to crop to, None for no crop.

    "annotated" is the annotated box, or the body's if there is none; "body" is the body's.
    """
    if crop_to == "annotated" and box is not None:
        return box
    return body_box(image) if crop_to in ("annotated", "body") else None


def fit_to(image: np.ndarray, box: Box | None, fit: str, size: tuple[int, int]) -> np.ndarray:
    """Crop, and "stretch" to (height, width) or place on a black "canvas" of that size."""
    image = image if box is None else crop(image, box)
    return (place_on_canvas if fit == "canvas" else resize)(image, *size)


def crop(image: np.ndarray, box: Box) -> np.ndarray:
    """Return the part of `image` inside `box`, a view. Raises InputError if the box is outside."""
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

    The box mean avoids aliasing, as the antialiased resize of Pillow and torchvision does; the
    remaining factor, below two, is OpenCV's INTER_LINEAR_EXACT.
    """
    image = shrink(image, max(1, image.shape[0] // height), max(1, image.shape[1] // width))
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR_EXACT)


def shrink(image: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Average boxes of rows x columns pixels; a rest that fills no box is cut evenly."""
    if rows == columns == 1:
        return image
    height, width = image.shape[0] // rows, image.shape[1] // columns
    top = (image.shape[0] - height * rows) // 2
    left = (image.shape[1] - width * columns) // 2
    image = image[top : top + height * rows, left : left + width * columns]
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


def place_on_canvas(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resize with the aspect ratio kept, centred on a black (height, width)."""
    rows, columns = _on_canvas(image.shape, height, width)
    canvas = np.zeros((height, width), np.uint8)
    canvas[rows, columns] = resize(image, rows.stop - rows.start, columns.stop - columns.start)
    return canvas


def _on_canvas(shape: tuple[int, int], height: int, width: int) -> tuple[slice, slice]:
    """Return the rows and columns of the canvas that an image of this shape fills."""
    scale = min(height / shape[0], width / shape[1])
    rows = min(height, max(1, int(shape[0] * scale + 0.5)))
    columns = min(width, max(1, int(shape[1] * scale + 0.5)))
    top, left = (height - rows) // 2, (width - columns) // 2
    return slice(top, top + rows), slice(left, left + columns)


def undo_fit(values: np.ndarray, box: Box | None, fit: str, shape: tuple[int, int]) -> np.ndarray:
    """Return values of a sample's pixels where they lie on the image that it was made from.

    Args:
        values: float32 (h, w), at the size that `fit_to` returned.
        box, fit: as `fit_to` had them.
        shape: of the whole image.

    Returns:
        float32 of that shape, resized bilinearly; 0 outside of the box.
    """
    x0, y0, x1, y1 = box or (0, 0, shape[1], shape[0])
    if fit == "canvas":
        values = values[_on_canvas((y1 - y0, x1 - x0), *values.shape)]
    whole = np.zeros(shape, np.float32)
    whole[y0:y1, x0:x1] = _undo_resize(values, y1 - y0, x1 - x0)
    return whole


def _undo_resize(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resize to (height, width); the rest that `shrink` cuts off repeats the values at the edge."""
    sizes = zip((height, width), values.shape, strict=True)
    inner = [size - size % max(1, size // small) for size, small in sizes]
    smaller = inner[0] < values.shape[0] and inner[1] < values.shape[1]
    how = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    values = cv2.resize(values.astype(np.float32), inner[::-1], interpolation=how)
    rests = height - inner[0], width - inner[1]
    return np.pad(values, [(rest // 2, rest - rest // 2) for rest in rests], mode="edge")


def body_box(image: np.ndarray) -> Box:
    """Return the box around the body: Otsu's threshold, then the largest connected region.

    If that box is implausible (see BODY_AREA and BODY_FOREGROUND), return the full image, so that a
    wrong guess never cuts anything away.
    """
    height, width = image.shape
    full = (0, 0, width, height)
    factor = max(1, -(-max(height, width) // THUMBNAIL))
    if factor > min(height, width):
        return full
    thumbnail = shrink(image, factor, factor)
    mask = (thumbnail > otsu_threshold(thumbnail)).astype(np.uint8)
    count, _, regions, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    if count < 2:
        return full
    left, top, columns, rows, _ = regions[1 + np.argmax(regions[1:, cv2.CC_STAT_AREA])]
    inside = mask[top : top + rows, left : left + columns].sum()
    if columns * rows < BODY_AREA * mask.size or inside < BODY_FOREGROUND * mask.sum():
        return full
    x0, x1 = _stored_pixels(left, left + columns, mask.shape[1], factor, width)
    y0, y1 = _stored_pixels(top, top + rows, mask.shape[0], factor, height)
    return x0, y0, x1, y1


def otsu_threshold(image: np.ndarray) -> int:
    """Return Otsu's threshold t of uint8 pixels: the foreground is `image > t`."""
    counts = np.bincount(image.ravel(), minlength=256).astype(np.float64)
    below = np.cumsum(counts)
    moment = np.cumsum(counts * np.arange(256))
    above = below[-1] - below
    spread = (moment * below[-1] - moment[-1] * below) ** 2
    return int(np.argmax(spread / np.maximum(below * above, 1)))


def _stored_pixels(start: int, end: int, cells: int, factor: int, size: int) -> tuple[int, int]:
    """Map thumbnail cells [start, end) to stored pixels; edge cells reach to the image's edge."""
    offset = (size - cells * factor) // 2
    first = 0 if start == 0 else offset + start * factor
    last = size if end == cells else offset + end * factor
    return int(first), int(last)
