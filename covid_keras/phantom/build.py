"""What the phantoms share: settings, patients, and a folder that is made whole or not at all."""

import dataclasses
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from covid_keras.utils.errors import InputError
from covid_keras.utils.files import atomic_folder, read_json, write_json
from covid_keras.utils.progress import progress

VERSIONS = {"phantom-ct": 1, "phantom-xray": 1}
"""Raised whenever the same seed gives other pictures."""

KINDS = 3
"""Classes: normal, pneumonia, COVID-19, in this order."""
SPLITS = ("train", "val", "test")
_PARAMETERS = "phantom.json"
_LEAST = {"patients": 15, "slices": 1, "size": 64, "seed": 0}


@dataclass(frozen=True)
class Case:
    """One patient, before anything is drawn."""

    number: int
    kind: int
    """Index of the class."""
    source: int
    split: str
    images: int


def phantom_folder(name: str) -> Path:
    """Where the phantom `name`, phantom-ct or phantom-xray, is kept unless told otherwise.

    The folder is named by the version, under the environment variable COVID_KERAS_CACHE or else
    the user's cache.
    """
    import pooch

    cache = os.environ.get("COVID_KERAS_CACHE") or pooch.os_cache("covid_keras")
    return Path(cache) / f"{name}-v{VERSIONS[name]}"


def build(
    folder: str | Path,
    settings,
    images: Callable[[int], int],
    write: Callable,
) -> Path:
    """Make the folder of a phantom unless it holds this phantom already; returns it as a Path.

    Args:
        settings: a dataclass of all that the files depend on, kept in the folder as JSON.
        images: of a patient, by the patient's rank in its class.
        write: is called with (folder, settings, cases) to write everything else.

    Raises:
        InputError: a setting is too small; `folder` holds other things than a phantom, or cannot
            be written.
    """
    folder = Path(folder)
    _check(settings)
    if not _holds(folder, settings):
        with atomic_folder(folder) as temporary:
            write(temporary, settings, _draw_cases(settings, images))
            write_json(temporary / _PARAMETERS, dataclasses.asdict(settings))
    return folder


def draw_in_threads(draw: Callable[[Case], list], cases: list[Case]) -> list[list]:
    """draw(case) of every case, in order; it returns one item for each image that it wrote."""
    total, drawn = sum(case.images for case in cases), []
    with ThreadPoolExecutor(os.cpu_count()) as pool, progress("phantom", total=total) as bar:
        jobs = [pool.submit(draw, case) for case in cases]
        try:
            for job in jobs:
                drawn.append(job.result())
                bar.update(len(drawn[-1]))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return drawn


def _check(settings) -> None:
    given = dataclasses.asdict(settings)
    for name, least in _LEAST.items():
        if given.get(name, least) < least:
            raise InputError(
                f"phantom: expected {name} of {least} or more. Received: {given[name]}"
            )


def _holds(folder: Path, settings) -> bool:
    """Whether `folder` is this phantom already; raises where it holds anything else."""
    if not folder.exists():
        return False
    if (folder / _PARAMETERS).is_file():
        return read_json(folder / _PARAMETERS) == dataclasses.asdict(settings)
    if not folder.is_dir() or any(folder.iterdir()):
        raise InputError(f"{folder}: expected no such folder, an empty one or an older phantom")
    return False


def _draw_cases(settings, images: Callable[[int], int]) -> list[Case]:
    """Classes and sources in turn, so that both are balanced; numbers that tell neither."""
    rng = np.random.default_rng([settings.seed, 0])
    numbers = rng.permutation(settings.patients) + 1
    cases = []
    for index, number in enumerate(numbers):
        kind, rank = index % KINDS, index // KINDS
        split = ("train", "train", "val", "train", "test")[rank % 5]
        cases.append(Case(int(number), kind, rank % 2, split, images(rank)))
    return sorted(cases, key=lambda case: case.number)
