"""Records as samples: grey images of one size with their labels."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from covid_keras.images.geometry import Box, chosen_box, fit_to, undo_fit
from covid_keras.images.read import ALL_LEVELS, read_image
from covid_keras.pipeline.cache import MemoryCache, SampleCache
from covid_keras.utils.errors import InputError

IN_MEMORY = 2**28
"""Bytes of decoded samples that may be kept in memory."""


@dataclass
class Samples:
    """The images of some records, cropped and resized, read one at a time.

    Args:
        records: see `load_records`; only images, labels and boxes are used.
        root: the folder that `records.image` is relative to.
        classes: class names in the order of the labels' numbers.
        shape: height and width of the samples in pixels.
        crop_to, fit: see `images.geometry.prepare`.
        window: centre and width in Hounsfield units, for CT read from DICOM.
        levels: the values that become black and white, for PNG of 16 bits.
        cache: folder for decoded samples, or "" for none.
        repeated: whether the samples are read many times: without a folder they are then kept in
            memory, if they take less than `IN_MEMORY`.
        transform: (index, image, fit) -> sample, called in place of `fit(image)`, which crops and
            resizes; `fit` does the same to a mask of the image's shape.
    """

    records: pd.DataFrame
    root: Path
    classes: tuple[str, ...]
    shape: tuple[int, int]
    crop_to: str
    fit: str
    window: tuple[float, float]
    levels: tuple[int, int] = ALL_LEVELS
    cache: str = ""
    repeated: bool = False
    transform: Callable[[int, np.ndarray, Callable], np.ndarray] | None = None

    def __post_init__(self) -> None:
        self.images: list[str] = self.records["image"].tolist()
        numbers = {name: number for number, name in enumerate(self.classes)}
        self.labels = self.records["label"].map(numbers).fillna(-1).to_numpy(np.int32)
        boxes = self.records[["x0", "y0", "x1", "y1"]]
        self.boxes = boxes.fillna(-1).to_numpy(np.int32)
        self._cached = self._cache()

    def __len__(self) -> int:
        return len(self.images)

    def read(self, index: int) -> np.ndarray:
        """Read sample `index`, uint8 (height, width). Raises InputError naming the file."""
        sample = self._cached.get(index) if self._cached else None
        if sample is None:
            sample = self._decode(index)
            if self._cached:
                self._cached.put(index, sample)
        return sample

    def _cache(self) -> SampleCache | MemoryCache | None:
        if self.cache:
            return SampleCache(self.cache, self._key(), self.shape)
        fits = len(self) * math.prod(self.shape) < IN_MEMORY
        return MemoryCache(len(self), self.shape) if self.repeated and fits else None

    def whole(self, index: int) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
        """Return the whole image of sample `index`, uint8 (H, W), and what undoes crop and resize.

        That is a function from float32 values of the sample's pixels to values (H, W) of the
        image's, see `images.geometry.undo_fit`.
        """
        image, box = self._image(index)
        return image, partial(undo_fit, box=box, fit=self.fit, shape=image.shape)

    def _image(self, index: int) -> tuple[np.ndarray, Box | None]:
        """Return the whole image, and the box to crop it to."""
        image, box = self.grey(index), tuple(self.boxes[index].tolist())
        return image, chosen_box(image, None if box[0] < 0 else box, self.crop_to)

    def grey(self, index: int) -> np.ndarray:
        """Read the whole image of sample `index`, uint8 (H, W)."""
        path = self.root / self.images[index]
        return read_image(path, window=self.window, levels=self.levels)

    def _decode(self, index: int) -> np.ndarray:
        image, box = self._image(index)
        fit = partial(fit_to, box=box, fit=self.fit, size=self.shape)
        try:
            sample = fit(image)
        except InputError as error:
            raise InputError(f"{self.root / self.images[index]}: {error}") from None
        return self.transform(index, image, fit) if self.transform else sample

    def _key(self) -> tuple:
        """Return what a cached sample depends on; a replaced image has another size or date."""
        states = [(image, (self.root / image).stat()) for image in self.images]
        files = [(image, state.st_size, state.st_mtime_ns) for image, state in states]
        geometry = self.shape, self.crop_to, self.fit, self.window, self.levels
        return str(self.root.resolve()), files, self.boxes.tobytes(), geometry
