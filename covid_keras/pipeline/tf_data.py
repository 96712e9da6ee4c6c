"""Batches by tf.data: read and decode in parallel, keep uint8, prefetch.

The graph moves numbers of batches; a Python function turns one into slices with OpenCV, which
decodes outside Python's lock. What is in memory are the batches under way, never the data set.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import tensorflow as tf

from covid_keras.pipeline.batches import Batches
from covid_keras.pipeline.samples import Samples
from covid_keras.utils.errors import InputError

AHEAD = 2
"""Batches that are kept ready, beside those under way."""


def passes(batches: Batches, threads: int) -> tf.data.Dataset:
    """The batches in their order, each made by one of several threads.

    Not by `from_generator`, which would switch the whole process to a malloc that maps every
    large array anew (ApplyPython311MemoryPatch in TensorFlow): a third of the decoding speed.
    """
    slices, size = batches.slices, batches.size

    def read(number: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        try:
            return batches.read(int(number))
        except InputError as error:
            slices.failure = error
            raise

    def load(number: tf.Tensor) -> dict[str, tf.Tensor]:
        image, label = tf.numpy_function(read, [number], (tf.uint8, tf.int32), stateful=False)
        image = tf.ensure_shape(image, (size, *slices.shape, 1))
        return {"image": image, "label": tf.ensure_shape(label, (size,))}

    options = tf.data.Options()
    options.autotune.enabled = False  # the end of a pass would wait for its thread, for seconds
    numbers = tf.data.Dataset.range(batches.numbers.start, batches.numbers.stop)
    dataset = numbers.map(load, num_parallel_calls=threads, deterministic=True)
    return dataset.prefetch(AHEAD).with_options(options)


stream = passes
"""One pass is as good as any: tf.data begins anew by itself."""


def images(batches: Batches, threads: int) -> tf.data.Dataset:
    """The images alone."""
    return passes(batches, threads).map(lambda batch: batch["image"])


@contextmanager
def readable_errors(*sources: Samples) -> Iterator[None]:
    """Turn TensorFlow's report of a failed read into the InputError that caused it."""
    try:
        yield
    except tf.errors.OpError:
        for source in sources:
            if source.failure is not None:
                raise source.failure from None
        raise
