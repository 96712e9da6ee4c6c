"""Test images with their lungs alone, or without them, where masks of the lungs are at hand."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from covid_keras.images import geometry
from covid_keras.images.masks import LUNG, find_masks, read_mask
from covid_keras.images.read import read_image
from covid_keras.pipeline.samples import Samples


@dataclass
class MaskedSamples(Samples):
    """Samples of which only the lungs, or all but the lungs, are left; the rest is 0.

    The mask goes through the same crop and resize as its image.

    Args:
        masks: one file a record.
        lungs: whether the lungs are what is left.
    """

    masks: tuple[Path, ...] = ()
    lungs: bool = True

    def _decode(self, index: int) -> np.ndarray:
        path = self.root / self.images[index]
        image = read_image(path, window=self.spec.window)
        mask = read_mask(self.masks[index], image.shape)
        box = geometry.chosen_box(image, self._box(index), self.spec.box)
        slice_, inside = (
            geometry.fit_to(
                part if box is None else geometry.crop(part, box), self.spec.fit, self.shape
            )
            for part in (image, mask)
        )
        return slice_ * ((inside > LUNG // 2) == self.lungs)


def with_masks(records: pd.DataFrame, folder: Path) -> tuple[pd.DataFrame, tuple[Path, ...]]:
    """The records that have a mask in `folder`, and the masks in the same order.

    A mask is a PNG with the image's path, or with its name where no two images have the same.

    Raises:
        InputError: no such folder, or no mask in it for any of the images.
    """
    masks = find_masks(records["image"].tolist(), folder)
    return records[[mask is not None for mask in masks]], tuple(filter(None, masks))


def masked(slices: Samples, masks: tuple[Path, ...], lungs: bool) -> MaskedSamples:
    """The same slices with the lungs alone, or without them."""
    settings = {name: getattr(slices, name) for name in ("records", "root", "classes", "spec")}
    return MaskedSamples(**settings, size=slices.size, masks=masks, lungs=lungs)
