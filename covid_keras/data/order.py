"""Which images make up which batch: pure functions of the seed and the step.

Nothing is shuffled but indices, and any step can be computed without the steps before it, so that
a resumed run sees the very batches that an uninterrupted one would have seen.
"""

from collections.abc import Iterator

import numpy as np


def training_batches(
    images: int, batch: int, steps: int, seed: int, start: int = 0
) -> Iterator[np.ndarray]:
    """Yield int64 (batch,) indices for the steps start, start + 1, ..., steps - 1.

    Every epoch is a fresh permutation; batches run across the border between epochs.
    """
    order, ordered = np.empty(0, np.int64), -1
    for step in range(start, steps):
        positions = np.arange(step * batch, (step + 1) * batch)
        indices = np.empty(batch, np.int64)
        for epoch in np.unique(positions // images):
            if epoch != ordered:
                order, ordered = epoch_order(images, seed, int(epoch)), epoch
            here = positions // images == epoch
            indices[here] = order[positions[here] % images]
        yield indices


def epoch_order(images: int, seed: int, epoch: int) -> np.ndarray:
    """The permutation of `images` indices, int64, that epoch number `epoch` walks through."""
    return np.random.default_rng([seed, epoch]).permutation(images)


def evaluation_batches(images: int, batch: int) -> Iterator[np.ndarray]:
    """Yield every index once, in order; the last batch may be shorter."""
    for first in range(0, images, batch):
        yield np.arange(first, min(first + batch, images))
