"""Find pairs of images that are near duplicates by perceptual hash and then by thumbnail.

The search is exact: faiss compares every hash with every other one.
"""

from collections.abc import Iterator

import faiss
import numpy as np

RADIUS = 6
"""Bits in which the 64-bit hashes of near duplicates may differ."""
LEAST_CORRELATION = 0.98
"""Of the thumbnails' grey levels; resized and recompressed copies stay above it."""
_QUERIES = 4096
"""Hashes looked up at a time, so that memory stays bounded."""


def near_pairs(perceptual: np.ndarray, thumbnails: np.ndarray) -> np.ndarray:
    """Return int64 (M, 2): each pair of near duplicates once, the smaller index first, sorted.

    Args:
        perceptual: uint64 (N,), from `hashes.perceptual_hash`.
        thumbnails: uint8 (N, h, w).
    """
    chunks = [
        pairs[correlation(thumbnails, pairs) >= LEAST_CORRELATION]
        for pairs in close_hashes(perceptual, RADIUS)
    ]
    pairs = np.concatenate([np.empty((0, 2), np.int64), *chunks])
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def close_hashes(perceptual: np.ndarray, radius: int) -> Iterator[np.ndarray]:
    """Yield pairs (M, 2) of indices whose hashes differ in at most `radius` bits, in chunks."""
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
    first, second = (_standardised(thumbnails[pairs[:, side]]) for side in (0, 1))
    both_flat = ~first.any(axis=1) & ~second.any(axis=1)
    return np.where(both_flat, 1.0, (first * second).sum(axis=1))


def _standardised(images: np.ndarray) -> np.ndarray:
    """Return float32 (M, pixels) of mean 0 and length 1, or zeros for a flat image."""
    values = images.reshape(len(images), images.shape[1] * images.shape[2]).astype(np.float32)
    values -= values.mean(axis=1, keepdims=True)
    length = np.linalg.norm(values, axis=1, keepdims=True)
    return np.divide(values, length, out=np.zeros_like(values), where=length > 0)
