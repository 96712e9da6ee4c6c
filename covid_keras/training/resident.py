"""A whole data set on the device: read once, then indexed by every step."""

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import jax
import numpy as np

from covid_keras.pipeline.loader import THREADS
from covid_keras.pipeline.samples import Samples
from covid_keras.utils.errors import InputError
from covid_keras.utils.progress import progress

MOST_BYTES = 16e9
"""Largest size of all images; `fit`, which streams, takes more."""


@dataclass(frozen=True)
class Resident:
    """The images of several sources, each image once."""

    images: jax.Array
    """uint8 (N, height, width, 1)."""
    labels: jax.Array
    """int32 (N,)."""
    places: list[np.ndarray]
    """For each source, the indices of its images in `images`, int32."""


def put(sources: Sequence[Samples], name: str) -> Resident:
    """Read the images of all sources onto the device, with a progress bar labelled `name`.

    Args:
        sources: of one geometry; they may share images.

    Raises:
        InputError: an image cannot be read, or they are more than `MOST_BYTES`.
    """
    keys = [_keys(source) for source in sources]
    owners: dict[tuple, tuple[Samples, int]] = {}
    for source, each in zip(sources, keys, strict=True):
        for index, key in enumerate(each):
            owners.setdefault(key, (source, index))
    shape = (len(owners), *sources[0].shape, 1)
    if (size := math.prod(shape)) > MOST_BYTES:
        raise InputError(
            f"to train together, all images lie on the device: expected at most"
            f" {MOST_BYTES / 1e9:.0f} GB. Received: {size / 1e9:.0f} GB; train the runs one by one"
        )
    images = np.empty(shape, np.uint8)
    with ThreadPoolExecutor(THREADS) as threads:
        samples = threads.map(lambda owner: owner[0].read(owner[1]), owners.values())
        for image, sample in zip(images, progress(name, samples, total=len(owners)), strict=True):
            image[..., 0] = sample
    labels = np.array([source.labels[index] for source, index in owners.values()], np.int32)
    numbers = {key: number for number, key in enumerate(owners)}
    places = [np.array([numbers[key] for key in each], np.int32) for each in keys]
    return Resident(jax.device_put(images), jax.device_put(labels), places)


def _keys(source: Samples) -> list[tuple]:
    """Return a key for each image: file, box and label tell images of one geometry apart."""
    boxes = map(tuple, source.boxes.tolist())
    files = [source.root / image for image in source.images]
    return list(zip(files, boxes, source.labels.tolist(), strict=True))


def evaluation_indices(
    places: Sequence[np.ndarray], batch: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return batches that hold every image of every source once, in its order.

    Args:
        places: where the images of each source are on the device.
        batch: images per source and batch.

    Returns:
        (indices int32, counted bool) of each batch, both (sources, batch); indices that are not
        counted fill the batches of shorter sources.
    """
    length = -(-max(map(len, places)) // batch) * batch
    indices = np.stack([np.pad(place, (0, length - len(place))) for place in places])
    counted = np.stack([np.arange(length) < len(place) for place in places])
    parts = [slice(start, start + batch) for start in range(0, length, batch)]
    return [(indices[:, part], counted[:, part]) for part in parts]
