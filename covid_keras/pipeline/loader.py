"""Batches as Keras takes them: by tf.data under TensorFlow, by plain threads under any other
backend, so that nothing but a model's own backend has to be installed.

Both read the same `Batches`: equal pixels in the same order.
"""

import os
from contextlib import AbstractContextManager
from types import ModuleType

import cv2
import keras

from covid_keras.pipeline.batches import Batches
from covid_keras.pipeline.samples import Samples
from covid_keras.utils.backend import gpu_count

THREADS = min(16, os.cpu_count() or 1)
"""Batches under way at once: one a processor, and no more than memory may be spent on."""


def stream(batches: Batches) -> object:
    """The batches once, for one `fit`: {"image": uint8 (B, h, w, 1), "label": int32 (B,)}."""
    return _way().stream(batches, THREADS)


def passes(batches: Batches) -> object:
    """The batches as often as they are asked for; as `stream` gives them."""
    return _way().passes(batches, THREADS)


def images(batches: Batches) -> object:
    """The images alone, uint8 (B, h, w, 1), for `predict`."""
    return _way().images(batches, THREADS)


def ahead() -> int:
    """How many batches beyond its own a training step waits for: Keras copies the next one to the
    accelerator first, under JAX."""
    return int(keras.config.backend() == "jax" and gpu_count() > 0)


def readable_errors(*sources: Samples) -> AbstractContextManager:
    """A context in which a failed read is the InputError that caused it."""
    return _way().readable_errors(*sources)


def _way() -> ModuleType:
    cv2.setNumThreads(1)  # OpenCV's own threads would only compete with these
    if keras.config.backend() == "tensorflow":
        from covid_keras.pipeline import tf_data as way
    else:
        from covid_keras.pipeline import threads as way
    return way
