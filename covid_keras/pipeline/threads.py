"""Batches by plain threads: for backends other than TensorFlow, which need not be installed.

OpenCV decodes outside Python's lock, so threads are enough. What is in memory are the batches
under way, never the data set.
"""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from itertools import islice

import keras
import numpy as np

from covid_keras.pipeline.batches import Batches
from covid_keras.pipeline.samples import Samples

AHEAD = 2
"""Batches that are kept ready, beside those under way."""


def stream(batches: Batches, threads: int) -> Iterator[tuple[dict[str, np.ndarray]]]:
    """The batches once, in their order, read ahead by so many threads; each alone in a tuple, as
    Keras takes them from a generator."""
    pool = ThreadPoolExecutor(threads)
    try:
        reads = (pool.submit(batches.read, number) for number in batches.numbers)
        waiting = deque(islice(reads, threads + AHEAD))
        while waiting:
            image, label = waiting.popleft().result()
            waiting.extend(islice(reads, 1))
            yield ({"image": image, "label": label},)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def passes(batches: Batches, threads: int) -> keras.utils.PyDataset:
    """The batches as often as Keras asks for them."""
    return Passes(batches, threads)


def images(batches: Batches, threads: int) -> keras.utils.PyDataset:
    """The images alone."""
    return Images(batches, threads)


class Passes(keras.utils.PyDataset):
    """Batches by their number, read ahead by so many of Keras' threads."""

    def __init__(self, batches: Batches, threads: int) -> None:
        super().__init__(workers=threads, max_queue_size=threads + AHEAD)
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches.numbers)

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        image, label = self.batches.read(self.batches.numbers[index])
        return {"image": image, "label": label}


class Images(Passes):
    """As `Passes`, without the labels."""

    def __getitem__(self, index: int) -> tuple[np.ndarray]:
        return (super().__getitem__(index)["image"],)


def readable_errors(*sources: Samples) -> AbstractContextManager:
    """Errors of the threads are raised as they are."""
    return nullcontext()
