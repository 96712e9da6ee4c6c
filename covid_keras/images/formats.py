"""What a file is by its name and first bytes; light enough for listing data sets."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from covid_keras.utils.errors import InputError

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".dcm", ".dicom", ".ima")
"""Suffixes of the files that a search through a folder takes."""
VOLUME_SUFFIXES = (".nii", ".nii.gz", ".mha", ".mhd")

MAX_PIXELS = 100_000_000
"""More than any slice or X-ray has."""
HEAD = 512
"""Bytes that tell the format."""
PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8\xff"
_PREAMBLE = slice(128, 132)
_OTHER_FORMATS = {
    b"GIF8": "GIF",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"\0\0\0\x0cjP  ": "bare JPEG 2000",
    b"%PDF": "PDF",
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "ZIP",
    b"RIFFWEBP": "WebP",
}


def read_bytes(path: str | Path, limit: int = -1) -> bytes:
    """Return the file's first `limit` bytes, or all.

    Raises:
        InputError: the file is missing, empty, a folder or cannot be read.
    """
    try:
        mode = os.stat(path).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # opening a pipe would wait
            raise InputError(f"{path}: expected a file. Received: a pipe, socket or device")
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


def check_size(width: int, height: int, where: str | Path) -> None:
    """Raise InputError for more than `MAX_PIXELS`, before they are decoded."""
    if width * height > MAX_PIXELS:
        size = f"{width} x {height}"
        raise InputError(f"{where}: expected at most {MAX_PIXELS:,} pixels. Received: {size}")


@contextmanager
def explained(where: str | Path, what: str) -> Iterator[None]:
    """Turn whatever decoders raise on bad files into InputError, one line with the file's name."""
    try:
        yield
    except InputError as error:  # a value of the file may hold line breaks
        raise type(error)(" ".join(str(error).splitlines())) from None
    except Exception as error:  # cv2.error, zlib.error, struct.error, MemoryError, pydicom's
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{where}: {what}: {reason}") from None


def is_image(path: str | Path) -> bool:
    """Return whether a search through a folder takes this file.

    True for a suffix of `IMAGE_SUFFIXES`, and for DICOM files that scanners name by a number or
    without a suffix. Hidden files are never taken.
    """
    path = Path(path)
    if path.name.startswith("."):
        return False
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return True
    if not (path.suffix == "" or path.suffix[1:].isdigit()) or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(HEAD)[_PREAMBLE] == b"DICM"


def is_volume(path: str | Path) -> bool:
    """Return whether a file is a NIfTI or MetaImage volume, by its name."""
    return str(path).lower().endswith(VOLUME_SUFFIXES)


def without_suffix(name: str) -> str:
    """Cut a suffix of `IMAGE_SUFFIXES` off; other dots, as in DICOM names, are kept."""
    stem, _, suffix = name.rpartition(".")
    return stem if f".{suffix.lower()}" in IMAGE_SUFFIXES else name


def format_of(data: bytes, path: str | Path) -> str:
    """Return PNG, JPEG or DICOM for the first bytes of the file `path`; the name does not count.

    Raises:
        InputError: the file is of another format, which is named.
    """
    if data.startswith(PNG):
        return "PNG"
    if data.startswith(JPEG):
        return "JPEG"
    name = Path(path).name.lower()
    if name.endswith((".nii", ".nii.gz")) or data[344:348] in (b"n+1\0", b"ni1\0"):
        advice = "export axial slices as PNG (after the window) or DICOM"
        raise InputError(f"{path}: a 3D NIfTI volume; {advice}")
    if is_dicom(data):
        return "DICOM"
    head = data[:4] + data[8:12] if data[:4] == b"RIFF" else data
    names = [f"a {name} file" for magic, name in _OTHER_FORMATS.items() if head.startswith(magic)]
    received = names[0] if names else f"begins with {data[:16]!r}"
    raise InputError(f"{path}: not a PNG, JPEG or DICOM image: {received}")


def is_dicom(data: bytes) -> bool:
    """Return whether the first bytes are DICOM, with or without the preamble.

    A file without the preamble begins with a data element of group 0002 or 0008 in little endian,
    then a two-letter type (explicit VR) or a small length (implicit VR).
    """
    if data[_PREAMBLE] == b"DICM":
        return True
    if len(data) < 8 or data[:2] not in (b"\x02\x00", b"\x08\x00"):
        return False
    explicit = data[4:6].isalpha() and data[4:6].isupper()
    return explicit or int.from_bytes(data[4:8], "little") <= 64
