"""Images beside the region of the disease, some at a time, as a network sees them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from covid_keras.explain.explained import normalised
from covid_keras.explain.regions import Region
from covid_keras.runs.inference import Trained

CHUNK = 64
"""Images in memory at once."""


@dataclass(frozen=True)
class Part:
    """Some images of a set, as the network sees them; only those with a region in sight."""

    start: int
    """Number of the first among all images that have a mask."""
    pixels: np.ndarray
    """(n, H, W) uint8."""
    images: np.ndarray
    """(n, H, W, 3), normalised."""
    labels: list[int]
    """The true class of each."""
    patients: list[str]
    """"" where unknown."""
    regions: np.ndarray
    """(n, H, W) bool: the disease."""
    lungs: np.ndarray | None
    """The same of the lungs; None if they are not known."""


def parts_of(trained: Trained, table: pd.DataFrame, root: Path) -> Iterator[Part]:
    """Yield the images of records that have the columns region and lung."""
    for start in range(0, len(table), CHUNK):
        rows = table.iloc[start : start + CHUNK]
        samples = trained.samples(rows, root)
        files = [*zip(rows["region"], rows["lung"], strict=True)]
        layered = replace(samples, transform=_layers(files))
        layers = np.stack([layered.read(index) for index in range(len(rows))])
        seen = (layers[:, 1] > 127).any(axis=(1, 2))
        if seen.any():
            pixels, region, lung = layers[seen].swapaxes(0, 1)
            yield Part(
                start=start,
                pixels=pixels,
                images=normalised(trained.preprocessing, pixels[..., None]),
                labels=samples.labels[seen].tolist(),
                patients=rows["patient"][seen].tolist(),
                regions=region > 127,
                lungs=lung > 127 if files[0][1] else None,
            )


def _layers(files: list[tuple[Region, Region | None]]) -> Callable:
    """Return a transform of samples: the image, its region and its lungs, (3, H, W) uint8."""

    def transform(index: int, image: np.ndarray, fit: Callable) -> np.ndarray:
        region, lung = files[index]
        inside = [each(image.shape) if each else np.zeros_like(image) for each in (region, lung)]
        return np.stack([fit(image), *map(fit, inside)])

    return transform
