"""Occlusion: how much the class's logit falls when a square of the image is grey."""

import numpy as np

from covid_keras.explain.scorer import Batch

CELLS = 16
"""Cells along each side of the map; two by two of them are grey at once."""


def maps(batch: Batch) -> np.ndarray:
    """Return maps (B, 16, 16): the mean fall of the logit over the squares on a cell.

    The grey is the image's mean of each channel. Takes 226 forward passes.
    """
    grey = batch.images.mean(axis=(1, 2), keepdims=True)
    rows, columns = (_edges(size) for size in batch.images.shape[1:3])
    whole = batch.model.scores(batch.images, batch.targets)
    falls = np.zeros((len(batch.images), len(rows) - 1, len(columns) - 1), np.float32)
    squares = np.zeros(falls.shape[1:], np.float32)
    for row in range(max(1, len(rows) - 2)):
        for column in range(max(1, len(columns) - 2)):
            tall, wide = slice(row, row + 2), slice(column, column + 2)
            hidden = batch.images.copy()
            hidden[:, _pixels(rows, tall), _pixels(columns, wide)] = grey
            fall = whole - batch.model.scores(hidden, batch.targets)
            falls[:, tall, wide] += fall[:, None, None]
            squares[tall, wide] += 1
    return falls / squares


def _edges(size: int) -> np.ndarray:
    """Return where the cells along a side of `size` pixels begin, and the end of the last."""
    cells = min(CELLS, size)
    return np.arange(cells + 1) * size // cells


def _pixels(edges: np.ndarray, cells: slice) -> slice:
    return slice(edges[cells.start], edges[min(cells.stop, len(edges) - 1)])
