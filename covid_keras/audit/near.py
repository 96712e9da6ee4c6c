"""Pairs of images that are near duplicates: alike by perceptual hash, and then by their thumbnails.

The search is exact: faiss compares every hash with every other one.
"""

from collections.abc import Iterator

import numpy as np

RADIUS = 6
"""Bits in which the 64-bit hashes of near duplicates may differ."""
LEAST_CORRELATION = 0.98
"""Of the thumbnails' grey levels; resized and recompressed copies stay above it."""
_QUERIES = 4096
"""Hashes looked up at a time, so that memory stays bounded."""


def near_pairs(perceptual: np.ndarray, thumbnails: np.ndarray) -> np.ndarray:
    """Pairs of near duplicates.

    Args:
        perceptual: uint64 (N,), see `facts.perceptual_hash`.
        thumbnails: uint8 (N, h, w).

    Returns:
        int64 (M, 2), each pair once, the smaller index first, sorted.
    """
    kept = [
        pairs[correlation(thumbnails, pairs) >= LEAST_CORRELATION]
        for pairs in close_hashes(perceptual, RADIUS)
    ]
    pairs = np.concatenate([np.empty((0, 2), np.int64), *kept])
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def close_hashes(perceptual: np.ndarray, radius: int) -> Iterator[np.ndarray]:
    """Pairs (M, 2) of indices whose hashes differ in at most `radius` bits, in chunks."""
    import faiss

    codes = np.ascontiguousarray(perceptual).view(np.uint8).reshape(-1, 8)
    index = faiss.IndexBinaryFlat(64)
    index.add(codes)
    for start in range(0, len(codes), _QUERIES):
        # faiss takes distances below the radius, and not at it
        limits, _, found = index.range_search(codes[start : start + _QUERIES], radius + 1)
        queries = start + np.repeat(np.arange(len(limits) - 1), np.diff(limits).astype(np.int64))
        first = queries < found
        yield np.stack([queries[first], found[first]], axis=1)


def correlation(thumbnails: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """float32 (M,): Pearson correlation of each pair's grey levels, 1 for two flat images."""
    first, second = (_standard(thumbnails[pairs[:, side]]) for side in (0, 1))
    both_flat = ~first.any(axis=1) & ~second.any(axis=1)
    return np.where(both_flat, 1.0, (first * second).sum(axis=1))


def _standard(images: np.ndarray) -> np.ndarray:
    """float32 (M, pixels): mean 0, length 1; zeros where the image is flat."""
    values = images.reshape(len(images), images.shape[1] * images.shape[2]).astype(np.float32)
    values -= values.mean(axis=1, keepdims=True)
    length = np.linalg.norm(values, axis=1, keepdims=True)
    return np.divide(values, length, out=np.zeros_like(values), where=length > 0)
