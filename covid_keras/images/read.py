"""PNG, JPEG and DICOM files of any depth and mode to uint8 grey.

The rules for PNG and JPEG are exact, so that the exported graph can repeat them bit for bit. The
first bytes tell the format, not the name; 16 bits become 8 by `grey_table`, which keeps the high
byte unless a range of values is given; alpha, tRNS and the EXIF orientation are ignored; colour
becomes grey by (9798 R + 19235 G + 3735 B + 16384) >> 15, the ITU-R BT.601 weights as OpenCV rounds
them.
"""

from pathlib import Path

import cv2
import numpy as np

from covid_keras.images.dicom import decode_dicom
from covid_keras.images.formats import check_size, explained, format_of, read_bytes
from covid_keras.images.headers import read_header
from covid_keras.images.jpeg import decode_jpeg
from covid_keras.utils.errors import InputError

LUNG_WINDOW = (-600.0, 1500.0)
"""Centre and width in Hounsfield units, as in COVIDx CT."""

ALL_LEVELS = (0, 65535)
"""Lowest and highest value of a PNG of 16 bits."""

_PNG_END = b"\0\0\0\0IEND\xaeB`\x82"
_ANIMATION = {b"acTL", b"fcTL", b"fdAT"}


def read_image(
    path: str | Path,
    *,
    window: tuple[float, float] | None = None,
    levels: tuple[int, int] = ALL_LEVELS,
) -> np.ndarray:
    """Read one slice or X-ray as uint8 grey (H, W), 0 to 255.

    Args:
        path: a PNG, JPEG or single-frame DICOM file.
        window: centre and width of the grey window in Hounsfield units, for CT from DICOM only
            (other files are already windowed, or are X-rays); None is `LUNG_WINDOW`.
        levels: the values that become black and white, for PNG of 16 bits only.

    Raises:
        InputError: the file is missing, empty, truncated, damaged or of another kind.

    Example:
        >>> covid_keras.read_image(images / "001.png").shape
        (24, 28)
    """
    return decode(read_bytes(path), path, window, levels)


def decode(
    data: bytes,
    path: str | Path,
    window: tuple[float, float] | None = None,
    levels: tuple[int, int] = ALL_LEVELS,
) -> np.ndarray:
    """Decode the bytes of the file `path` as `read_image` does."""
    if format_of(data, path) == "DICOM":
        return decode_dicom(data, path, window or LUNG_WINDOW)
    return decode_image(data, path, levels)


def decode_image(
    data: bytes, where: str | Path, levels: tuple[int, int] = ALL_LEVELS
) -> np.ndarray:
    """Decode the bytes of a PNG or JPEG file to uint8 grey (H, W); `where` names it in errors.

    Raises:
        InputError: truncated, damaged, too large, or a CMYK or 12-bit JPEG.
    """
    if format_of(data, where) == "JPEG":
        return decode_jpeg(data, where)
    image = _png_values(data, where)
    if image.dtype == np.uint16:
        image = grey_table(levels)[image]
    if image.ndim == 2:
        return image
    if image.shape[2] == 4:
        return cv2.cvtColor(image, cv2.COLOR_BGRA2GRAY)
    return cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)


def grey_table(levels: tuple[int, int]) -> np.ndarray:
    """Return the grey level of each value of 16 bits, uint8 (65536,): `levels` in 256 equal parts.

    Values below are black, values above white. All levels keep the high byte, as libpng's strip.
    """
    low, high = levels
    return np.clip((np.arange(65536) - low) * 256 // (high - low + 1), 0, 255).astype(np.uint8)


def value_range(path: Path) -> tuple[int, int, int] | None:
    """Return the 0.5th, 50th and 99.5th percentile of a PNG of 16 bits; None of any other file.

    Raises:
        InputError: as `read_image`.
    """
    header = read_header(path)
    if (header.format, header.bits) != ("PNG", 16):
        return None
    values = _png_values(read_bytes(path), path)
    return tuple(np.percentile(values, (0.5, 50, 99.5), method="nearest").tolist())


def _png_values(data: bytes, where: str | Path) -> np.ndarray:
    """Decode a PNG file to stored values, uint8 or uint16, (H, W) or (H, W, channels)."""
    header = read_header(where, data)
    data = _checked_chunks(data, where)
    check_size(header.width, header.height, where)
    with explained(where, "cannot be decoded"):
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None:
        raise InputError(f"{where}: damaged: begins as a PNG file, cannot be decoded")
    return image


def _checked_chunks(data: bytes, where: str | Path) -> bytes:
    """Check the lengths of a PNG's chunks; return it without an animation, if it has one.

    Decoders reserve memory for what a length says, and take a frame for the default image.
    """
    if _PNG_END not in data:
        raise InputError(f"{where}: truncated: a PNG file without its end marker")
    still, at, animated, kind = [data[:8]], 8, False, b""
    while kind != b"IEND":
        length, kind = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
        end = at + 12 + length
        if end > len(data):
            said = f"a chunk of {length:,} bytes in the last {len(data) - at:,}"
            raise InputError(f"{where}: damaged: begins as a PNG file, has {said}")
        animated = animated or kind in _ANIMATION
        if kind not in _ANIMATION:
            still.append(data[at:end])
        at = end
    return b"".join(still) if animated else data
