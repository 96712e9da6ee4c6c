"""Load batches by tf.data: read and decode in parallel, keep uint8, prefetch.

The graph holds the numbers of batches; a Python function reads each with OpenCV, which decodes
without Python's lock. Only the batches being read are in memory, never the data set.
"""

import numpy as np
import tensorflow as tf

from covid_keras.pipeline.batches import PREFETCH, Batches
from covid_keras.utils.errors import InputError


class Loader:
    """Make datasets of batches; see `covid_keras.pipeline.loader`."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._failure: InputError | None = None

    def __enter__(self) -> "Loader":
        return self

    def __exit__(self, kind, error, traceback) -> None:
        """Raise the InputError behind TensorFlow's own error, which has only its text."""
        if isinstance(error, tf.errors.OpError) and self._failure is not None:
            raise self._failure from None

    def dataset(self, batches: Batches) -> tf.data.Dataset:
        """Return the batches in their order.

        Not by `from_generator`, which switches the whole process to a malloc that maps every
        large array anew (ApplyPython311MemoryPatch in TensorFlow): a third of the decoding speed.
        """
        size = batches.size

        def read(number: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            try:
                batch = batches.read(int(number))
            except InputError as error:
                self._failure = error
                raise
            return batch["image"], batch["label"]

        def load(number: tf.Tensor) -> dict[str, tf.Tensor]:
            image, label = tf.numpy_function(read, [number], (tf.uint8, tf.int32), stateful=False)
            image = tf.ensure_shape(image, (size, *batches.samples.shape, 1))
            return {"image": image, "label": tf.ensure_shape(label, (size,))}

        options = tf.data.Options()
        options.autotune.enabled = False  # the end of a pass would wait seconds for its thread
        numbers = tf.data.Dataset.range(batches.numbers.start, batches.numbers.stop)
        dataset = numbers.map(load, num_parallel_calls=self.threads, deterministic=True)
        return dataset.prefetch(PREFETCH).with_options(options)

    stream = dataset

    def images(self, batches: Batches) -> tf.data.Dataset:
        """Return the images alone."""
        return self.dataset(batches).map(lambda batch: batch["image"])
