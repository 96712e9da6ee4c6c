"""What one image file is: container, size, and the numbers by which copies of it are found."""

import struct
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import xxhash

from covid_keras.images import dicom, read

THUMBNAIL = 32
"""Side of the thumbnails, in pixels."""

_PNG_MODES = {0: "L", 2: "RGB", 3: "palette", 4: "LA", 6: "RGBA"}
_JPEG_MODES = {1: "L", 3: "RGB", 4: "CMYK"}
_HASHED = 8
"""The perceptual hash has one bit for each of 8x8 cosine coefficients."""


@dataclass(frozen=True)
class Facts:
    """One image, as it lies on disk and as a network sees it."""

    format: str
    """PNG, JPEG or DICOM."""
    mode: str
    """L, LA, RGB, RGBA, palette or CMYK; for DICOM the photometric interpretation."""
    bits: int
    """Bits a sample, as stored."""
    width: int
    height: int
    bytes: int
    """Length of the file."""
    pixels: str
    """Hash of the decoded grey image and its size: equal for equal pixels, whatever the format."""
    perceptual: int
    """64 bits that hardly change when an image is resized, recompressed or made brighter."""
    thumbnail: np.ndarray
    """uint8 (THUMBNAIL, THUMBNAIL)."""


def facts(path: Path) -> Facts:
    """Read one image.

    Raises:
        InputError: it cannot be read; see `read.read_image`.
    """
    data = read.read_bytes(path)
    image = read.decode(data, path)
    height, width = image.shape
    container, mode, bits = header(data, path)
    small = cv2.resize(image, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA)
    return Facts(
        format=container,
        mode=mode,
        bits=bits,
        width=width,
        height=height,
        bytes=len(data),
        pixels=pixel_hash(image),
        perceptual=perceptual_hash(small),
        thumbnail=small,
    )


def pixel_hash(image: np.ndarray) -> str:
    """32 hex digits of a uint8 image (H, W) and its size."""
    digest = xxhash.xxh3_128(struct.pack("<2I", *image.shape))
    digest.update(np.ascontiguousarray(image))
    return digest.hexdigest()


def perceptual_hash(thumbnail: np.ndarray) -> int:
    """pHash: which of the 8x8 lowest cosine coefficients are above their median, as 64 bits.

    The constant one is counted as below. After Zauner: Implementation and benchmarking of
    perceptual image hash functions, 2010.
    """
    low = cv2.dct(thumbnail.astype(np.float32))[:_HASHED, :_HASHED].ravel()
    above = low > np.median(low[1:])
    above[0] = False
    return int.from_bytes(np.packbits(above).tobytes())


def header(data: bytes, path: Path) -> tuple[str, str, int]:
    """Format, mode and bits a sample of a file that can be decoded."""
    if data.startswith(read.PNG):
        bits, colour = data[24], data[25]
        return "PNG", _PNG_MODES.get(colour, f"colour type {colour}"), bits
    if data.startswith(read.JPEG):
        frame = read.jpeg_frame(data)
        return "JPEG", _JPEG_MODES.get(frame[2], f"{frame[2]} channels"), 8
    mode, bits = dicom.dicom_mode(path)
    return "DICOM", mode, bits
