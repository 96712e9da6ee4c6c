"""A data set that lies on the device as a whole: read once, then indexed by every step."""

import itertools
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import jax
import numpy as np

from covid_keras.pipeline.batches import evaluation_batches
from covid_keras.pipeline.loader import THREADS
from covid_keras.pipeline.samples import Samples
from covid_keras.utils.errors import InputError
from covid_keras.utils.progress import progress

MOST_BYTES = 16e9
"""Of the images of one size; more is left to `fit`, which streams them."""


@dataclass(frozen=True)
class Resident:
    """The images of several sources, each image once."""

    images: jax.Array
    """uint8 (N, height, width, 1)."""
    labels: jax.Array
    """int32 (N,)."""
    places: list[np.ndarray]
    """For each source, int32: where its images are among all."""


def put(sources: Sequence[Samples], name: str) -> Resident:
    """Read all images that the sources name, with a bar called `name`, onto the device.

    Args:
        sources: of one geometry; they may share images.

    Raises:
        InputError: an image cannot be read, or they are more than `MOST_BYTES`.
    """
    owners: dict[tuple, tuple[Samples, int]] = {}
    for source in sources:
        for index, key in enumerate(_keys(source)):
            owners.setdefault(key, (source, index))
    shape = (len(owners), *sources[0].shape, 1)
    if np.prod(shape, dtype=float) > MOST_BYTES:
        raise InputError(
            f"to train together, all images lie on the device: expected at most"
            f" {MOST_BYTES / 1e9:.0f} GB. Received: {np.prod(shape, dtype=float) / 1e9:.0f} GB;"
            " train the runs by themselves"
        )
    images = np.empty(shape, np.uint8)
    with ThreadPoolExecutor(THREADS) as threads:
        slices = threads.map(lambda owner: owner[0].read(owner[1]), owners.values())
        for number, slice_ in enumerate(progress(name, slices, total=len(owners))):
            images[number, ..., 0] = slice_
    labels = np.array([source.labels[index] for source, index in owners.values()], np.int32)
    numbers = {key: number for number, key in enumerate(owners)}
    places = [np.array([numbers[key] for key in _keys(source)], np.int32) for source in sources]
    return Resident(jax.device_put(images), jax.device_put(labels), places)


def _keys(source: Samples) -> list[tuple]:
    """What tells the images of sources of one geometry apart: file, box and label."""
    boxes = map(tuple, source.boxes.tolist())
    files = [source.root / image for image in source.images]
    return list(zip(files, boxes, source.labels.tolist(), strict=True))


def passes(
    sources: Sequence[Samples], places: Sequence[np.ndarray], batch: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Every image of every source once, in batches that the sources go through side by side.

    Args:
        sources: which images, in which order.
        places: where they are on the device.

    Returns:
        (indices int32, counted bool) of each batch, both (sources, batch); an index that is not
        counted fills up a batch.
    """
    padded = [list(_padded(*pair, batch)) for pair in zip(sources, places, strict=True)]
    nothing = np.zeros(batch, np.int32), np.zeros(batch, bool)
    rows = itertools.zip_longest(*padded, fillvalue=nothing)
    return [tuple(map(np.stack, zip(*row, strict=True))) for row in rows]


def _padded(source: Samples, place: np.ndarray, batch: int) -> Iterator[tuple]:
    batches = evaluation_batches(source, batch)
    for number in batches.numbers:
        chosen = place[batches.indices_of(number)]
        short = batch - len(chosen)
        yield np.pad(chosen, (0, short)), np.arange(batch) < len(chosen)
