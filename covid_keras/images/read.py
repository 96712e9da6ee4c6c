"""PNG, JPEG and DICOM files of any depth and mode to uint8 grey.

The rules for PNG and JPEG are exact, so that the exported graph can repeat them bit for bit. The
first bytes tell the format, not the name; 16 bits become 8 by keeping the high byte, as libpng's
strip; alpha, tRNS and the EXIF orientation are ignored; colour becomes grey by
(9798 R + 19235 G + 3735 B + 16384) >> 15, the ITU-R BT.601 weights as OpenCV rounds them.
"""

from pathlib import Path

import cv2
import numpy as np

from covid_keras.images.dicom import decode_dicom
from covid_keras.images.formats import format_of, read_bytes
from covid_keras.images.headers import read_header
from covid_keras.utils.errors import InputError

LUNG_WINDOW = (-600.0, 1500.0)
"""Centre and width in Hounsfield units, as in COVIDx CT."""

_PNG_END = b"\0\0\0\0IEND\xaeB`\x82"
_JPEG_END = b"\xff\xd9"
_START_OF_SCAN = 0xDA


def read_image(path: str | Path, *, window: tuple[float, float] | None = None) -> np.ndarray:
    """Read one slice or X-ray as uint8 grey (H, W), 0 to 255.

    Args:
        path: a PNG, JPEG or single-frame DICOM file.
        window: centre and width of the grey window in Hounsfield units, for CT from DICOM only
            (other files are already windowed, or are X-rays); None is `LUNG_WINDOW`.

    Raises:
        InputError: the file is missing, empty, truncated, damaged or of another kind.

    Example:
        >>> covid_keras.read_image(images / "001.png").shape
        (24, 28)
    """
    return decode(read_bytes(path), path, window)


def decode(data: bytes, path: str | Path, window: tuple[float, float] | None = None) -> np.ndarray:
    """Decode the bytes of the file `path` as `read_image` does."""
    if format_of(data, path) == "DICOM":
        return decode_dicom(data, path, window or LUNG_WINDOW)
    return decode_image(data, path)


def decode_image(data: bytes, where: str | Path) -> np.ndarray:
    """Decode the bytes of a PNG or JPEG file to uint8 grey (H, W); `where` names it in errors.

    Raises:
        InputError: truncated, damaged, or a CMYK JPEG.
    """
    kind = format_of(data, where)
    _check_end(data, kind, where)
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise InputError(f"{where}: cannot be decoded: {error.err}") from None
    if image is None:
        raise InputError(f"{where}: damaged: begins as a {kind} file, cannot be decoded")
    if image.dtype == np.uint16:
        image = (image >> 8).astype(np.uint8)
    if image.ndim == 2:
        return image
    if image.shape[2] == 4:
        return cv2.cvtColor(image, cv2.COLOR_BGRA2GRAY)
    if kind == "JPEG" and read_header(where, data).mode == "CMYK":
        raise InputError(f"{where}: expected a grey or RGB JPEG. Received: CMYK; convert it")
    return cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)


def _check_end(data: bytes, kind: str, where: str | Path) -> None:
    """Raise InputError for a truncated file: decoders may return its upper part."""
    end = _PNG_END if kind == "PNG" else _JPEG_END
    if not data.endswith(end) and end not in data[0 if kind == "PNG" else _scan_start(data) :]:
        raise InputError(f"{where}: truncated: a {kind} file without its end marker")


def _scan_start(data: bytes) -> int:
    """Return the offset of a JPEG's first scan; a thumbnail before it has its own end."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != _START_OF_SCAN:
        fill_byte = data[at + 1] == 0xFF
        at += 1 if fill_byte else 2 + int.from_bytes(data[at + 2 : at + 4])
    return at if data[at : at + 2] == bytes((0xFF, _START_OF_SCAN)) else len(data)
