"""What an image file's header says: format, mode, bits and size. Pixels are not decoded."""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image

from covid_keras.images.dicom import dicom_header
from covid_keras.images.files import format_of, read_bytes
from covid_keras.utils.errors import InputError

_HEAD = 512
"""Bytes that tell the format."""
_PNG_BITS = 24
"""Offset of the bit depth in a PNG file."""
_MODES = {"1": "L", "I;16": "L", "I": "L", "P": "palette"}
"""Pillow's modes under our names; the others have the same name in both."""


@dataclass(frozen=True)
class Header:
    """What the header of one image says."""

    format: str
    """PNG, JPEG or DICOM."""
    mode: str
    """L, LA, RGB, RGBA, palette or CMYK; of DICOM the photometric interpretation."""
    bits: int
    """Bits per sample, as stored."""
    width: int
    height: int


def read_header(path: str | Path) -> Header:
    """Read the header of a PNG, JPEG or DICOM file.

    Raises:
        InputError: the file is missing, empty, of another format, or its header is damaged.
    """
    return _header(read_bytes(path, _HEAD), path, path)


def header_of(data: bytes, path: str | Path) -> Header:
    """Return the header of the bytes of the file `path`. Raises InputError as `read_header`."""
    return _header(data, path, BytesIO(data))


def _header(head: bytes, path: str | Path, source: str | Path | BytesIO) -> Header:
    kind = format_of(head, path)
    if kind == "DICOM":
        return Header(kind, *dicom_header(source, path))
    try:
        with Image.open(source, formats=("PNG", "JPEG")) as image:
            mode, (width, height) = image.mode, image.size
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(
            f"{path}: header of a {kind} file is damaged or cut off: {error}"
        ) from None
    bits = head[_PNG_BITS] if kind == "PNG" else 8  # Pillow reads 16-bit colour as 8 bits
    return Header(kind, _MODES.get(mode, mode), bits, width, height)
