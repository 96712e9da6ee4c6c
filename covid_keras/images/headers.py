"""What an image file's header says: format, mode, bits and size. Pixels are not decoded."""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from covid_keras.images.dicom import dicom_header
from covid_keras.images.formats import HEAD, format_of, read_bytes
from covid_keras.utils.errors import InputError

_PNG_MODES = {0: "L", 2: "RGB", 3: "palette", 4: "LA", 6: "RGBA"}
"""{colour type (byte 25; byte 24 is the bit depth): mode}. Pillow joins several of them."""
_JPEG_MODES = {1: "L", 3: "RGB", 4: "CMYK"}
"""{number of components: mode}."""
_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = {0x00, 0x01, *range(0xD0, 0xD9)}
_START_OF_SCAN = 0xDA


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
    return jpeg_header(head if data is not None else read_bytes(path), path)[0]


def _png_header(data: bytes, where: str | Path) -> Header:
    width, height = (int.from_bytes(data[at : at + 4]) for at in (16, 20))
    if data[12:16] != b"IHDR" or len(data) < 33 or data[25] not in _PNG_MODES or not width * height:
        raise InputError(f"{where}: header of a PNG file is damaged or truncated")
    return Header("PNG", _PNG_MODES[data[25]], data[24], width, height)


def jpeg_header(data: bytes, where: str | Path) -> tuple[Header, int]:
    """Return the header of a JPEG and the offset of its first scan.

    Junk before a marker is skipped, as by libjpeg; a thumbnail inside a segment is not seen.

    Raises:
        InputError: no frame before the first scan, or cut off before it.
    """
    header, at = None, 2
    while (at := data.find(b"\xff", at)) >= 0 and at + 4 <= len(data):
        marker = data[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
        elif marker in _WITHOUT_LENGTH:
            at += 2
        elif marker == _START_OF_SCAN:
            if header is None:
                break
            return header, at
        else:
            if marker in _FRAMES and header is None and at + 10 <= len(data):
                height, width = (int.from_bytes(data[at + i : at + i + 2]) for i in (5, 7))
                mode = _JPEG_MODES.get(data[at + 9])
                if mode is None or not width * height:
                    break
                header = Header("JPEG", mode, data[at + 4], width, height)
            at += 2 + int.from_bytes(data[at + 2 : at + 4])
    raise InputError(f"{where}: header of a JPEG file is damaged or truncated")
