"""What an image file's header says: format, mode, bits and size. Pixels are not decoded."""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from covid_keras.images.dicom import dicom_header
from covid_keras.images.formats import HEAD, format_of, read_bytes
from covid_keras.images.jpeg import parse_jpeg
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
    if kind == "PNG":
        return _png_header(head, path)
    jpeg = parse_jpeg(head if data is not None else read_bytes(path), path)
    return Header(kind, jpeg.mode, jpeg.bits, jpeg.width, jpeg.height)


def _png_header(data: bytes, where: str | Path) -> Header:
    width, height = (int.from_bytes(data[at : at + 4]) for at in (16, 20))
    if data[12:16] != b"IHDR" or len(data) < 33 or data[25] not in _PNG_MODES or not width * height:
        raise InputError(f"{where}: header of a PNG file is damaged or truncated")
    return Header("PNG", _PNG_MODES[data[25]], data[24], width, height)
