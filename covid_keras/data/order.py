"""Which images make up which batch: pure functions of the seed and the step.

Nothing is shuffled but indices, and any step can be computed without the steps before it, so that
a resumed run sees the very batches that an uninterrupted one would have seen.
"""

from functools import lru_cache

import numpy as np


def training_batch(images: int, batch: int, seed: int, step: int) -> np.ndarray:
    """int64 (batch,): the indices of the images of optimiser step number `step`, from 0.

    Every epoch is a fresh permutation; batches run across the border between epochs.
    """
    positions = np.arange(step * batch, (step + 1) * batch)
    epochs = positions // images
    indices = np.empty(batch, np.int64)
    for epoch in np.unique(epochs):
        here = epochs == epoch
        indices[here] = epoch_order(images, seed, int(epoch))[positions[here] % images]
    return indices


@lru_cache(maxsize=4)
def epoch_order(images: int, seed: int, epoch: int) -> np.ndarray:
    """The permutation of `images` indices, int64, that epoch number `epoch` walks through."""
    order = np.random.default_rng([seed, epoch]).permutation(images)
    order.flags.writeable = False
    return order


def evaluation_batch(images: int, batch: int, number: int) -> np.ndarray:
    """int64 indices of batch number `number`: in order; the last batch may be shorter."""
    return np.arange(number * batch, min((number + 1) * batch, images))
