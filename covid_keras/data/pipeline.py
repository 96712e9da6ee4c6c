"""tf.data: read and decode in parallel, keep uint8, batch, prefetch.

The graph moves indices; a Python function turns an index into a slice with OpenCV, which decodes
outside Python's lock. What is in memory are the batches under way, never the data set.
"""

import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import tensorflow as tf

from covid_keras.data import order
from covid_keras.data.cache import SliceCache
from covid_keras.data.geometry import Box, prepare
from covid_keras.data.readers import read_image
from covid_keras.errors import InputError
from covid_keras.recipes.base import Input, Sides, height_width

THREADS = min(16, os.cpu_count() or 1)
"""Batches under way at once: one a processor, and no more than memory may be spent on."""
ALIGNMENT = 4096
"""Bytes; a page, and so a multiple of what TensorFlow needs to take an array without a copy."""


@dataclass
class Slices:
    """Records as slices of one size, read one at a time.

    Args:
        records: see `load_records`; only images, labels and boxes are used.
        root: the folder that `records.image` is relative to.
        classes: class names in the order of the labels' numbers.
        spec: the recipe's geometry.
        size: of the slices in pixels, a side or (height, width).
        cache: folder for decoded slices, or "" for none.
    """

    records: pd.DataFrame
    root: Path
    classes: tuple[str, ...]
    spec: Input
    size: Sides
    cache: str = ""
    failure: InputError | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.images = self.records["image"].tolist()
        numbers = {name: number for number, name in enumerate(self.classes)}
        self.labels = self.records["label"].map(numbers).fillna(-1).to_numpy(np.int32)
        boxes = self.records[["x0", "y0", "x1", "y1"]]
        self.boxes = boxes.fillna(-1).to_numpy(np.int32)
        self._cached = SliceCache.open(self.cache, self._key(), self.shape) if self.cache else None

    def __len__(self) -> int:
        return len(self.images)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of every slice."""
        return height_width(self.size)

    def read(self, index: int) -> np.ndarray:
        """Slice number `index` as uint8 (height, width). Raises InputError naming the file."""
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
        """What a cached slice depends on; an image that was replaced counts as another one."""
        states = [(self.root / image).stat() for image in self.images]
        files = [
            (image, state.st_size, state.st_mtime_ns)
            for image, state in zip(self.images, states, strict=True)
        ]
        return str(self.root.resolve()), files, self.boxes.tobytes(), self.spec, self.size


def training_dataset(
    slices: Slices, *, batch: int, steps: int, seed: int, start: int = 0, balance: bool = False
) -> tf.data.Dataset:
    """Batches for the steps from `start` on, the same for the same seed.

    With `balance`, every batch has the same number of images of each class.

    Yields:
        {"image": uint8 (batch, height, width, 1), "label": int32 (batch,)}

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
    return _dataset(slices, tf.data.Dataset.range(start, steps), indices, batch)


def evaluation_dataset(slices: Slices, batch: int) -> tf.data.Dataset:
    """Every slice exactly once, in the order of the records; yields as `training_dataset`."""
    numbers = tf.data.Dataset.range(-(-len(slices) // batch))
    return _dataset(slices, numbers, partial(order.evaluation_batch, len(slices), batch), None)


def _dataset(
    slices: Slices,
    numbers: tf.data.Dataset,
    indices_of: Callable[[int], np.ndarray],
    batch: int | None,
) -> tf.data.Dataset:
    """The batches with these numbers, each made by one of several threads.

    Not by `from_generator`, which would switch the whole process to a malloc that maps every
    large array anew (ApplyPython311MemoryPatch in TensorFlow): a third of the decoding speed.
    """
    cv2.setNumThreads(1)  # OpenCV's own threads would only compete with these

    def read(number: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        indices = indices_of(int(number))
        images = _aligned((len(indices), *slices.shape, 1))
        try:
            for image, index in zip(images, indices.tolist(), strict=True):
                image[..., 0] = slices.read(index)
        except InputError as error:
            slices.failure = error
            raise
        return images, slices.labels[indices]

    def load(number: tf.Tensor) -> dict[str, tf.Tensor]:
        images, labels = tf.numpy_function(read, [number], (tf.uint8, tf.int32), stateful=False)
        images = tf.ensure_shape(images, (batch, *slices.shape, 1))
        return {"image": images, "label": tf.ensure_shape(labels, (batch,))}

    options = tf.data.Options()
    options.autotune.enabled = False  # the end of a pass would wait for its thread, for seconds
    dataset = numbers.map(load, num_parallel_calls=THREADS, deterministic=True)
    return dataset.prefetch(2).with_options(options)


def _aligned(shape: tuple[int, ...]) -> np.ndarray:
    """An uninitialised uint8 array that begins at a multiple of ALIGNMENT."""
    count = math.prod(shape)
    memory = np.empty(count + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + count].reshape(shape)


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
