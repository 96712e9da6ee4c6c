"""Images from files: PNG, JPEG and DICOM of any depth and mode, all to uint8 grey.

The rules for PNG and JPEG are exact, so that the exported graph can repeat them bit for bit:
the format is told from the first bytes and never from the name; 16 bits become 8 by keeping the
high byte, as libpng's strip; alpha, tRNS and the EXIF orientation are ignored; colour becomes grey
by (9798 R + 19235 G + 3735 B + 16384) >> 15, the ITU-R BT.601 weights as OpenCV rounds them.
"""

import struct
from pathlib import Path

import cv2
import numpy as np

from covid_keras.images import dicom
from covid_keras.utils.errors import InputError

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".dcm", ".dicom")
"""Suffixes of the files that a folder is searched for."""

LUNG_WINDOW = (-600.0, 1500.0)
"""Centre and width in Hounsfield units, as in COVIDx CT."""

PNG = b"\x89PNG\r\n\x1a\n"
_PNG_END = b"\0\0\0\0IEND\xaeB`\x82"
JPEG = b"\xff\xd8\xff"
_JPEG_END = b"\xff\xd9"
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_START_OF_SCAN = 0xDA
_OTHER_FORMATS = {
    b"GIF8": "GIF",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"\0\0\0\x0cjP  ": "bare JPEG 2000",
    b"%PDF": "PDF",
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "ZIP",
}


def read_image(path: str | Path, window: tuple[float, float] = LUNG_WINDOW) -> np.ndarray:
    """Read one slice or X-ray as uint8 grey (H, W), 0 to 255.

    Args:
        path: a PNG, JPEG or single-frame DICOM file.
        window: centre and width of the grey window in Hounsfield units. It applies to CT from
            DICOM only; other files are already windowed, or are X-rays.

    Raises:
        InputError: missing, empty, truncated, or not such a file; the reason is in the message.
    """
    return decode(read_bytes(path), path, window)


def decode(data: bytes, path: str | Path, window: tuple[float, float] = LUNG_WINDOW) -> np.ndarray:
    """As `read_image`, of the bytes of the file `path`."""
    if data.startswith((PNG, JPEG)):
        return decode_image(data, path)
    _refuse_volumes(path, data)
    if dicom.is_dicom(data):
        return dicom.decode_dicom(data, path, window)
    raise InputError(f"{path}: not a PNG, JPEG or DICOM image: {_what_it_is(data)}")


def decode_image(data: bytes, where: str | Path) -> np.ndarray:
    """Decode the bytes of a PNG or JPEG file as uint8 grey (H, W); `where` names it in errors.

    Raises:
        InputError: truncated, damaged, or a CMYK JPEG.
    """
    _check_end(data, where)
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise InputError(f"{where}: cannot be decoded: {error.err}") from None
    if image is None:
        raise InputError(f"{where}: damaged: begins as {_what_it_is(data)}, cannot be decoded")
    if image.dtype == np.uint16:
        image = (image >> 8).astype(np.uint8)
    if image.ndim == 2:
        return image
    if image.shape[2] == 4:
        return cv2.cvtColor(image, cv2.COLOR_BGRA2GRAY)
    _refuse_cmyk(data, where)
    return cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)


def image_size(path: str | Path) -> tuple[int, int]:
    """(width, height) in pixels from the header alone; the pixels are not decoded.

    Raises:
        InputError: as `read_image`, as far as the header shows it.
    """
    head = read_bytes(path, 1 << 16)
    if head.startswith(PNG):
        if len(head) < 24:
            raise InputError(f"{path}: truncated: a PNG of {len(head)} bytes")
        return struct.unpack(">II", head[16:24])
    if head.startswith(JPEG):
        return _jpeg_size(path, head)
    _refuse_volumes(path, head)
    if dicom.is_dicom(head):
        return dicom.dicom_size(path)
    raise InputError(f"{path}: not a PNG, JPEG or DICOM image: {_what_it_is(head)}")


def is_image(path: str | Path) -> bool:
    """Whether a search through a folder should take this file.

    True for a suffix in IMAGE_SUFFIXES, and for DICOM files named by number or without suffix,
    as scanners write them. Hidden files are never taken.
    """
    path = Path(path)
    if path.name.startswith("."):
        return False
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return True
    unnamed = path.suffix == "" or path.suffix[1:].isdigit()
    return unnamed and path.is_file() and dicom.has_preamble(_read_head(path))


def _read_head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(132)


def read_bytes(path: str | Path, limit: int = -1) -> bytes:
    """The file's first `limit` bytes, or all. Raises InputError: missing, empty or not a file."""
    try:
        with open(path, "rb") as file:
            data = file.read(limit)
    except FileNotFoundError:
        raise InputError(f"{path}: file not found") from None
    except IsADirectoryError:
        raise InputError(f"{path}: expected an image file. Received: a folder") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    if not data:
        raise InputError(f"{path}: expected an image. Received: zero bytes")
    return data


def _check_end(data: bytes, where: str | Path) -> None:
    """Decoders may return the upper part of a truncated file; this looks for the end marker."""
    if data.endswith((_PNG_END, _JPEG_END)):
        return
    if data.startswith(PNG):
        complete = _PNG_END in data
    else:
        complete = data.find(_JPEG_END, _jpeg_scan_start(data)) >= 0
    if not complete:
        raise InputError(f"{where}: truncated: {_what_it_is(data)} without its end marker")


def _jpeg_segments(data: bytes):
    """Yield (marker, offset of the segment's length field) up to the first scan."""
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return
        marker = data[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        yield marker, at + 2
        if marker == _START_OF_SCAN:
            return
        at += 2 + int.from_bytes(data[at + 2 : at + 4])


def _jpeg_scan_start(data: bytes) -> int:
    """Offset of the first scan: an EXIF thumbnail before it has an end marker of its own."""
    for marker, at in _jpeg_segments(data):
        if marker == _START_OF_SCAN:
            return at
    return len(data)


def jpeg_frame(data: bytes) -> tuple[int, int, int] | None:
    """(width, height, components), or None where no frame header is within `data`."""
    for marker, at in _jpeg_segments(data):
        if marker in _START_OF_FRAME and at + 8 <= len(data):
            height, width, components = struct.unpack(">HHB", data[at + 3 : at + 8])
            return width, height, components
    return None


def _jpeg_size(path: str | Path, head: bytes) -> tuple[int, int]:
    frame = jpeg_frame(head) or jpeg_frame(read_bytes(path))
    if frame is None:
        raise InputError(f"{path}: truncated: a JPEG without a frame header")
    return frame[0], frame[1]


def _refuse_cmyk(data: bytes, where: str | Path) -> None:
    if data.startswith(JPEG):
        frame = jpeg_frame(data)
        if frame is not None and frame[2] == 4:
            raise InputError(f"{where}: expected a grey or RGB JPEG. Received: CMYK; convert it")


def _refuse_volumes(path: str | Path, data: bytes) -> None:
    name = Path(path).name.lower()
    if name.endswith((".nii", ".nii.gz")) or data[344:348] in (b"n+1\0", b"ni1\0"):
        raise InputError(
            f"{path}: a 3D NIfTI volume; export axial slices as PNG (after the window) or DICOM"
        )


def _what_it_is(data: bytes) -> str:
    for magic, name in ((PNG, "PNG"), (JPEG, "JPEG"), *_OTHER_FORMATS.items()):
        if data.startswith(magic):
            return f"a {name} file"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "a WebP file"
    return f"begins with {data[:16]!r}"
