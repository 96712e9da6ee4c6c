"""Hashes by which copies of an image are found."""

import struct

import cv2
import numpy as np
import xxhash

_SIDE = 8
"""The perceptual hash has one bit for each of 8 x 8 cosine coefficients."""


def pixel_hash(image: np.ndarray) -> str:
    """Return 32 hex digits of a uint8 image (H, W) and its size."""
    digest = xxhash.xxh3_128(struct.pack("<2I", *image.shape))
    digest.update(np.ascontiguousarray(image))
    return digest.hexdigest()


def perceptual_hash(thumbnail: np.ndarray) -> int:
    """Return 64 bits that hardly change when an image is resized, recompressed or brightened.

    pHash: which of the 8 x 8 lowest cosine coefficients of the uint8 thumbnail (h, w) are above
    their median; the constant one counts as below. After Zauner, Implementation and benchmarking
    of perceptual image hash functions, 2010.
    """
    low = cv2.dct(thumbnail.astype(np.float32))[:_SIDE, :_SIDE].ravel()
    above = low > np.median(low[1:])
    above[0] = False
    return int.from_bytes(np.packbits(above).tobytes())
