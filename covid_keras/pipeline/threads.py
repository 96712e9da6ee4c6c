"""Load batches by plain threads, for backends other than TensorFlow.

OpenCV decodes without Python's lock, so threads are enough. Only the batches being read are in
memory, never the data set.
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from itertools import islice
from typing import Any

import keras
import numpy as np

from covid_keras.pipeline.batches import PREFETCH, Batches


class Loader(nullcontext):
    """Make sequences of batches; see `covid_keras.pipeline.loader`."""

    def __init__(self, threads: int) -> None:
        super().__init__(self)
        self.threads = threads

    def stream(self, batches: Batches) -> Iterator[tuple[dict[str, np.ndarray]]]:
        """Yield the batches once, each in a tuple, as Keras takes them from a generator."""
        pool = ThreadPoolExecutor(self.threads)
        try:
            reads = (pool.submit(batches.read, number) for number in batches.numbers)
            waiting = deque(islice(reads, self.threads + PREFETCH))
            while waiting:
                batch = waiting.popleft().result()
                waiting.extend(islice(reads, 1))
                yield (batch,)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def dataset(self, batches: Batches) -> keras.utils.PyDataset:
        """Return the batches by number, as often as Keras asks for them."""
        return Dataset(batches, self.threads)

    def images(self, batches: Batches) -> keras.utils.PyDataset:
        """Return the images alone."""
        return Dataset(batches, self.threads, take=lambda batch: (batch["image"],))


class Dataset(keras.utils.PyDataset):
    """Batches by their number, read ahead by Keras' threads; `take` is applied to each."""

    def __init__(
        self, batches: Batches, threads: int, take: Callable = lambda batch: batch
    ) -> None:
        super().__init__(workers=threads, max_queue_size=threads + PREFETCH)
        self.batches = batches
        self.take = take

    def __len__(self) -> int:
        return len(self.batches.numbers)

    def __getitem__(self, index: int) -> Any:
        return self.take(self.batches.read(self.batches.numbers[index]))
