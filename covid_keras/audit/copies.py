"""Hashes of an image, and the search for near duplicates by hash and then by thumbnail."""

import math
import struct
from collections.abc import Iterator

import cv2
import faiss
import numpy as np
import xxhash

RADIUS = 6
"""Bits in which the 64-bit hashes of near duplicates may differ."""
LEAST_CORRELATION = 0.98
"""Of the thumbnails' grey levels; resized and recompressed copies stay above it."""
_QUERIES = 4096
"""Hashes looked up at a time, so that memory stays bounded."""


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
    low = cv2.dct(thumbnail.astype(np.float32))[:8, :8].ravel()
    above = low > np.median(low[1:])
    above[0] = False
    return int.from_bytes(np.packbits(above).tobytes())


def near_pairs(perceptual: np.ndarray, thumbnails: np.ndarray) -> np.ndarray:
    """Return int64 (M, 2): each pair of near duplicates once, the smaller index first, sorted.

    Args:
        perceptual: uint64 (N,), from `perceptual_hash`.
        thumbnails: uint8 (N, h, w).
    """
    chunks = (
        pairs[correlation(thumbnails, pairs) >= LEAST_CORRELATION]
        for pairs in close_hashes(perceptual, RADIUS)
    )
    pairs = np.concatenate([np.empty((0, 2), np.int64), *chunks])
    return pairs[np.lexsort(pairs.T[::-1])]


def close_hashes(perceptual: np.ndarray, radius: int) -> Iterator[np.ndarray]:
    """Yield pairs (M, 2) of indices whose hashes differ in at most `radius` bits, in chunks.

    The search is exact: faiss compares every hash with every other one.
    """
    codes = np.ascontiguousarray(perceptual).view(np.uint8).reshape(-1, 8)
    index = faiss.IndexBinaryFlat(64)
    index.add(codes)
    for start in range(0, len(codes), _QUERIES):
        # faiss returns distances below its radius, not equal to it
        limits, _, second = index.range_search(codes[start : start + _QUERIES], radius + 1)
        first = start + np.repeat(np.arange(len(limits) - 1), np.diff(limits).astype(np.int64))
        pairs = np.stack([first, second], axis=1)
        yield pairs[first < second]


def correlation(thumbnails: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Return float32 (M,): Pearson correlation of the grey levels, 1 for two flat images."""
    pixels = math.prod(thumbnails.shape[1:])
    values = thumbnails[pairs.T].reshape(2, len(pairs), pixels).astype(np.float32)
    values -= values.mean(axis=2, keepdims=True)
    lengths = np.linalg.norm(values, axis=2)
    one_flat = ~lengths.all(axis=0)
    products = np.einsum("mp,mp->m", *values) / np.where(one_flat, 1, lengths.prod(axis=0))
    return np.where(lengths.any(axis=0), products, 1)
