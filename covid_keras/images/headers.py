"""What an image file's header says: format, mode, bits and size. Pixels are not decoded."""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image

from covid_keras.images.dicom import dicom_header
from covid_keras.images.formats import HEAD, format_of, read_bytes
from covid_keras.utils.errors import InputError

_PNG_MODES = {0: "L", 2: "RGB", 3: "palette", 4: "LA", 6: "RGBA"}
"""{colour type (byte 25; byte 24 is the bit depth): mode}. Pillow joins several of them."""


@dataclass(frozen=True)
class Header:
    """The header of one image."""

    format: str
    """PNG, JPEG or DICOM."""
    mode: str
    """L, LA, RGB, RGBA, palette or CMYK; of DICOM the photometric interpretation."""
    bits: int
    """Bits per sample, as stored."""
    width: int
    height: int


def read_header(path: str | Path, data: bytes | None = None) -> Header:
    """Read the header of a PNG, JPEG or DICOM file.

    Args:
        data: the content of the file if it has been read already; `path` then only names it.

    Raises:
        InputError: the file is missing, empty, of another format, or its header is damaged.
    """
    head = read_bytes(path, HEAD) if data is None else data
    source = path if data is None else BytesIO(data)
    kind = format_of(head, path)
    if kind == "DICOM":
        return Header(kind, *dicom_header(source, path))
    try:
        with Image.open(source, formats=("PNG", "JPEG")) as image:
            mode, (width, height) = image.mode, image.size
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise InputError(f"{path}: header of a {kind} file is damaged or truncated") from None
    if kind == "JPEG":
        return Header(kind, mode, 8, width, height)
    return Header(kind, _PNG_MODES[head[25]], head[24], width, height)
