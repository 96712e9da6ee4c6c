"""Numbered batches of samples: which samples make up which batch, and their pixels.

Only indices are shuffled, by pure functions of the seed and the step. Any step can be computed
without the steps before it, so a resumed run gets the same batches as an uninterrupted one.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np

from covid_keras.pipeline.samples import Samples
from covid_keras.utils.errors import InputError

PREFETCH = 2
"""Batches that are kept ready, beside those being read."""
PAGE = 4096
"""Bytes, a multiple of what a backend needs to take an array without a copy."""


@dataclass(frozen=True)
class Batches:
    """Numbered batches of samples; any of them can be read without the others, in any thread.

    Args:
        indices_of: number of a batch to the indices of its samples.
        numbers: of the batches, in their order.
        size: samples in every batch; None where the last one may be shorter.
        on_read: called with the number of each batch that was read, in the thread that read it.
    """

    samples: Samples
    indices_of: Callable[[int], np.ndarray]
    numbers: range
    size: int | None
    on_read: Callable[[int], None] | None = None

    def read(self, number: int) -> dict[str, np.ndarray]:
        """Read {"image": uint8 (B, height, width, 1), "label": int32 (B,)}.

        Raises:
            InputError: a file cannot be read; the message names it.
        """
        indices = self.indices_of(number)
        shape = (len(indices), *self.samples.shape, 1)
        memory = np.empty(math.prod(shape) + PAGE, np.uint8)
        start = -memory.ctypes.data % PAGE
        images = memory[start : start + math.prod(shape)].reshape(shape)
        for image, index in zip(images, indices.tolist(), strict=True):
            image[..., 0] = self.samples.read(index)
        if self.on_read:
            self.on_read(number)
        return {"image": images, "label": self.samples.labels[indices]}


def training_batches(
    samples: Samples,
    *,
    batch: int,
    steps: int,
    seed: int,
    start: int = 0,
    balance: bool = False,
    on_read: Callable[[int], None] | None = None,
) -> Batches:
    """Return one batch for each step from `start` on, the same for the same seed.

    With `balance`, every batch has the same number of images of each class.

    Raises:
        InputError: the batch cannot be balanced.
    """
    classes = len(np.unique(samples.labels))
    if balance and batch % classes:
        raise InputError(
            f"data.balance: expected a batch that is a multiple of {classes} classes."
            f" Received: training.batch={batch}"
        )
    if balance:
        indices = partial(balanced_indices, samples.labels, batch, seed)
    else:
        indices = partial(training_indices, len(samples), batch, seed)
    return Batches(samples, indices, range(start, steps), batch, on_read)


def evaluation_batches(samples: Samples, batch: int, fill: bool = False) -> Batches:
    """Return batches that hold every sample exactly once, in the order of the records.

    Args:
        fill: fill the last batch up with the last sample: a shorter one would be compiled anew.
    """
    numbers = range(-(-len(samples) // batch))
    indices = np.arange(len(numbers) * batch).clip(max=len(samples) - 1)
    indices = indices if fill else indices[: len(samples)]
    return Batches(samples, lambda n: indices[n * batch : (n + 1) * batch], numbers, None)


def training_indices(images: int, batch: int, seed: int, step: int) -> np.ndarray:
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


def balanced_indices(labels: np.ndarray, batch: int, seed: int, step: int) -> np.ndarray:
    """Return indices as `training_indices`, with the same number of images of every class.

    Each class has its own permutations, so that all images of a class are seen equally often. The
    classes are mixed within the batch.

    Args:
        labels: class number of every image, (images,).
        batch: a multiple of the number of classes.
    """
    members = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    each = batch // len(members)
    chosen = [
        images[training_indices(len(images), each, seed + 1 + place, step)]
        for place, images in enumerate(members)
    ]
    return np.random.default_rng([seed, step]).permutation(np.concatenate(chosen))


@lru_cache(maxsize=8)
def epoch_order(images: int, seed: int, epoch: int) -> np.ndarray:
    """Return the permutation of the indices, int64 (images,), in epoch number `epoch`."""
    order = np.random.default_rng([seed, epoch]).permutation(images)
    order.flags.writeable = False
    return order
