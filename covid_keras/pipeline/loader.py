"""Load batches by tf.data under TensorFlow, by threads elsewhere; measure the wait for them.

Both loaders give equal pixels in the same order. A loader is a context with three methods:

stream(batches): the batches once, for one call of `fit`.
dataset(batches): the batches as often as they are asked for.
images(batches): the images alone, for `predict`.

Batches are {"image": uint8 (B, height, width, 1), "label": int32 (B,)}. A failed read leaves the
context as the InputError that names the file.
"""

import os
import time
from typing import Any

import cv2
import keras

from covid_keras.utils.backend import gpu_count

THREADS = min(16, os.cpu_count() or 1)
"""Batches that are read at the same time: one per processor, and few enough for memory."""


def batch_loader(threads: int = THREADS) -> Any:
    """Return the loader for this backend, which reads that many batches at the same time."""
    cv2.setNumThreads(1)  # OpenCV's own threads would only compete with these
    if keras.config.backend() == "tensorflow":
        from covid_keras.pipeline.tf_data import Loader
    else:
        from covid_keras.pipeline.threads import Loader
    return Loader(threads)


class InputWait:
    """How long training steps wait for batches, from the time at which each batch was ready."""

    def __init__(self) -> None:
        self._ready: dict[int, float] = {}
        # Under JAX on a GPU, Keras copies the next batch to the device before it takes a step.
        self._ahead = int(keras.config.backend() == "jax" and gpu_count() > 0)

    def note(self, number: int) -> None:
        """Note, in the thread that read it, that batch `number` is ready now."""
        self._ready[number] = time.monotonic()

    def waited(self, step: int, since: float, until: float) -> float:
        """Return the seconds between two times of `time.monotonic` in which `step` lacked a batch.

        A batch counts once; 0 for one that was never noted: the one after the last.
        """
        ready = self._ready.pop(step + self._ahead, since)
        return min(max(ready, since), until) - since
