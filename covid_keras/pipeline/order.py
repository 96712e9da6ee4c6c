"""Choose the images of each batch: pure functions of the seed and the step.

Only indices are shuffled. Any step can be computed without the steps before it, so a resumed run
gets the same batches as an uninterrupted one.
"""

from functools import lru_cache

import numpy as np


def training_batch(images: int, batch: int, seed: int, step: int) -> np.ndarray:
    """Return the indices, int64 (batch,), of the images of optimiser step `step`, counted from 0.

    Every epoch is a new permutation; a batch may hold images of two epochs.
    """
    positions = np.arange(step * batch, (step + 1) * batch)
    epochs = positions // images
    indices = np.empty(batch, np.int64)
    for epoch in np.unique(epochs):
        here = epochs == epoch
        indices[here] = epoch_order(images, seed, int(epoch))[positions[here] % images]
    return indices


def balanced_batch(labels: np.ndarray, batch: int, seed: int, step: int) -> np.ndarray:
    """Return indices as `training_batch`, with the same number of images of every class.

    Each class has its own permutations, so that all images of a class are seen equally often. The
    classes are mixed within the batch.

    Args:
        labels: class number of every image, (images,).
        batch: a multiple of the number of classes.
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
    """Return the permutation of the indices, int64 (images,), in epoch number `epoch`."""
    order = np.random.default_rng([seed, epoch]).permutation(images)
    order.flags.writeable = False
    return order
