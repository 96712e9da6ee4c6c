"""Which slices make up which batch, and their pixels: the same under every backend."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from covid_keras.pipeline import order
from covid_keras.pipeline.samples import Samples
from covid_keras.utils.errors import InputError

ALIGNMENT = 4096
"""Bytes; a page, and so a multiple of what a backend needs to take an array without a copy."""


@dataclass(frozen=True)
class Batches:
    """Numbered batches of slices; any of them can be made without the others, in any thread.

    Args:
        slices: where the images come from.
        indices_of: number of a batch to the indices of its images.
        numbers: of the batches, in their order.
        size: images of every batch; None where the last one may be shorter.
    """

    slices: Samples
    indices_of: Callable[[int], np.ndarray]
    numbers: range
    size: int | None

    def read(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """uint8 images (B, height, width, 1) and int32 labels (B,) of batch `number`.

        Raises InputError naming the file that cannot be read.
        """
        indices = self.indices_of(number)
        images = _aligned((len(indices), *self.slices.shape, 1))
        for image, index in zip(images, indices.tolist(), strict=True):
            image[..., 0] = self.slices.read(index)
        self.slices.arrivals.note(number)
        return images, self.slices.labels[indices]


def training_batches(
    slices: Samples, *, batch: int, steps: int, seed: int, start: int = 0, balance: bool = False
) -> Batches:
    """Batches for the steps from `start` on, the same for the same seed.

    With `balance`, every batch has the same number of images of each class.

    Raises:
        InputError: the batch is larger than the data set, or cannot be balanced.
    """
    if batch > len(slices):
        raise InputError(
            f"batch larger than the training split: expected at most {len(slices)}."
            f" Received: training.batch={batch}"
        )
    if balance:
        classes = len(np.unique(slices.labels))
        if batch % classes:
            raise InputError(
                f"data.balance: expected a batch that is a multiple of {classes} classes."
                f" Received: training.batch={batch}"
            )
        indices = partial(order.balanced_batch, slices.labels, batch, seed)
    else:
        indices = partial(order.training_batch, len(slices), batch, seed)
    return Batches(slices, indices, range(start, steps), batch)


def evaluation_batches(slices: Samples, batch: int) -> Batches:
    """Every slice exactly once, in the order of the records."""
    numbers = range(-(-len(slices) // batch))
    return Batches(slices, partial(order.evaluation_batch, len(slices), batch), numbers, None)


def _aligned(shape: tuple[int, ...]) -> np.ndarray:
    """An uninitialised uint8 array that begins at a multiple of ALIGNMENT."""
    count = math.prod(shape)
    memory = np.empty(count + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + count].reshape(shape)
