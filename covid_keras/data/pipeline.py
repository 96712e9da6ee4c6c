"""tf.data: read and decode in parallel, keep uint8, batch, prefetch.

The graph moves indices; a Python function turns an index into a slice with OpenCV, which decodes
outside Python's lock. What is in memory are the batches under way, never the data set.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import tensorflow as tf

from covid_keras.data import order
from covid_keras.data.cache import SliceCache
from covid_keras.data.geometry import Box, prepare
from covid_keras.data.readers import read_image
from covid_keras.errors import InputError
from covid_keras.recipes.base import Input


@dataclass
class Slices:
    """Records as slices of one size, read one at a time.

    Args:
        records: see `load_records`; only images, labels and boxes are used.
        root: the folder that `records.image` is relative to.
        classes: class names in the order of the labels' numbers.
        spec: the recipe's geometry.
        size: side of the slices in pixels.
        cache: folder for decoded slices, or "" for none.
    """

    records: pd.DataFrame
    root: Path
    classes: tuple[str, ...]
    spec: Input
    size: int
    cache: str = ""
    failure: InputError | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.images = self.records["image"].tolist()
        numbers = {name: number for number, name in enumerate(self.classes)}
        self.labels = self.records["label"].map(numbers).fillna(-1).to_numpy(np.int32)
        boxes = self.records[["x0", "y0", "x1", "y1"]]
        self.boxes = boxes.fillna(-1).to_numpy(np.int32)
        self._cached = SliceCache.open(self.cache, self._key(), self.size)

    def __len__(self) -> int:
        return len(self.images)

    def read(self, index: int) -> np.ndarray:
        """Slice number `index` as uint8 (size, size). Raises InputError naming the file."""
        slice_ = self._cached.get(index) if self._cached else None
        if slice_ is None:
            slice_ = self._decode(index)
            if self._cached:
                self._cached.put(index, slice_)
        return slice_

    def _decode(self, index: int) -> np.ndarray:
        path = self.root / self.images[index]
        image = read_image(path, self.spec.window)
        try:
            return prepare(image, self._box(index), self.spec, self.size)
        except InputError as error:
            raise InputError(f"{path}: {error}") from None

    def _box(self, index: int) -> Box | None:
        box = self.boxes[index]
        return None if box[0] < 0 else tuple(box.tolist())

    def _key(self) -> tuple:
        return str(self.root.resolve()), self.images, self.boxes.tobytes(), self.spec, self.size


def training_dataset(
    slices: Slices, *, batch: int, steps: int, seed: int, start: int = 0
) -> tf.data.Dataset:
    """Batches for the steps from `start` on, the same for the same seed.

    Yields:
        {"image": uint8 (batch, size, size, 1), "label": int32 (batch,)}

    Raises:
        InputError: the batch is larger than the data set.
    """
    if batch > len(slices):
        raise InputError(
            f"batch larger than the training split: expected at most {len(slices)}."
            f" Received: training.batch={batch}"
        )
    return _dataset(
        slices, lambda: order.training_batches(len(slices), batch, steps, seed, start), batch
    )


def evaluation_dataset(slices: Slices, batch: int) -> tf.data.Dataset:
    """Every slice exactly once, in the order of the records; yields as `training_dataset`."""
    return _dataset(slices, lambda: order.evaluation_batches(len(slices), batch), None).apply(
        tf.data.experimental.assert_cardinality(-(-len(slices) // batch))
    )


def _dataset(
    slices: Slices, batches: Callable[[], Iterator[np.ndarray]], batch: int | None
) -> tf.data.Dataset:
    def read(indices: np.ndarray) -> np.ndarray:
        try:
            return np.stack([slices.read(index) for index in indices.tolist()])[..., None]
        except InputError as error:
            slices.failure = error
            raise

    def load(indices: tf.Tensor) -> dict[str, tf.Tensor]:
        images = tf.numpy_function(read, [indices], tf.uint8, stateful=False)
        images = tf.ensure_shape(images, (batch, slices.size, slices.size, 1))
        return {"image": images, "label": tf.gather(slices.labels, indices)}

    dataset = tf.data.Dataset.from_generator(
        batches, output_signature=tf.TensorSpec((batch,), tf.int64)
    )
    dataset = dataset.map(load, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return dataset.prefetch(tf.data.AUTOTUNE)


@contextmanager
def readable_errors(*sources: Slices) -> Iterator[None]:
    """Turn TensorFlow's report of a failed read into the InputError that caused it."""
    try:
        yield
    except tf.errors.OpError:
        for source in sources:
            if source.failure is not None:
                raise source.failure from None
        raise
