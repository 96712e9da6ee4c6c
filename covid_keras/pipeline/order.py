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


def balanced_batch(labels: np.ndarray, batch: int, seed: int, step: int) -> np.ndarray:
    """int64 (batch,): as `training_batch`, with the same number of images of every class.

    Each class is walked through in permutations of its own, so that all images of a class are
    seen equally often. The classes are mixed within the batch.

    Args:
        labels: class number of every image, (images,).
        batch: a multiple of the number of classes.
        seed, step: as in `training_batch`.
    """
    members = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    each = batch // len(members)
    chosen = [
        images[training_batch(len(images), each, seed + 1 + place, step)]
        for place, images in enumerate(members)
    ]
    return np.random.default_rng([seed, step]).permutation(np.concatenate(chosen))


@lru_cache(maxsize=8)
def epoch_order(images: int, seed: int, epoch: int) -> np.ndarray:
    """The permutation of `images` indices, int64, that epoch number `epoch` walks through."""
    order = np.random.default_rng([seed, epoch]).permutation(images)
    order.flags.writeable = False
    return order


def evaluation_batch(images: int, batch: int, number: int) -> np.ndarray:
    """int64 indices of batch number `number`: in order; the last batch may be shorter."""
    return np.arange(number * batch, min((number + 1) * batch, images))
