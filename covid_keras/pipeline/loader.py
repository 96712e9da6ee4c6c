"""Choose how batches are loaded: by tf.data under TensorFlow, by threads under other backends.

Both loaders give equal pixels in the same order. A loader is a context with three methods:

stream(batches): the batches once, for one call of `fit`.
dataset(batches): the batches as often as they are asked for.
images(batches): the images alone, for `predict`.

Batches are {"image": uint8 (B, height, width, 1), "label": int32 (B,)}. A failed read leaves the
context as the InputError that names the file.
"""

import os
from typing import Any

import cv2
import keras

from covid_keras.utils.backend import gpu_count

THREADS = min(16, os.cpu_count() or 1)
"""Batches that are read at the same time: one per processor, and few enough for memory."""

PREFETCH = 2
"""Batches that are kept ready, beside those being read."""


def batch_loader(threads: int = THREADS) -> Any:
    """Return the loader for this backend, which reads that many batches at the same time."""
    cv2.setNumThreads(1)  # OpenCV's own threads would only compete with these
    if keras.config.backend() == "tensorflow":
        from covid_keras.pipeline.tf_data import Loader
    else:
        from covid_keras.pipeline.threads import Loader
    return Loader(threads)


def prefetched_steps() -> int:
    """Return how many batches beyond its own a training step waits for.

    Under JAX on a GPU, Keras copies the next batch to the device first.
    """
    return int(keras.config.backend() == "jax" and gpu_count() > 0)
