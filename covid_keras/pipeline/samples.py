"""Records as slices of one size: what every loader reads from."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from covid_keras.images.geometry import Box, prepare
from covid_keras.images.read import read_image
from covid_keras.pipeline.arrivals import Arrivals
from covid_keras.pipeline.cache import SampleCache
from covid_keras.recipes.config import Input, Sides, height_width
from covid_keras.utils.errors import InputError


@dataclass
class Samples:
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
    arrivals: Arrivals = field(default_factory=Arrivals, init=False)
    """When each training batch was ready."""
    failure: InputError | None = field(default=None, init=False)
    """What a read inside tf.data failed with, which TensorFlow only reports as text."""

    def __post_init__(self) -> None:
        self.images = self.records["image"].tolist()
        numbers = {name: number for number, name in enumerate(self.classes)}
        self.labels = self.records["label"].map(numbers).fillna(-1).to_numpy(np.int32)
        boxes = self.records[["x0", "y0", "x1", "y1"]]
        self.boxes = boxes.fillna(-1).to_numpy(np.int32)
        self._cached = SampleCache.open(self.cache, self._key(), self.shape) if self.cache else None

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
