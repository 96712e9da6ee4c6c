"""Make a phantom's folder: patients, drawing in threads, README; whole or not at all."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from covid_keras.phantom.grid import Textures
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import atomic_folder, cache_folder, read_json, write_json
from covid_keras.utils.progress import progress

VERSIONS = {"phantom-ct": 1, "phantom-xray": 1}
"""Raised whenever the same seed gives other pixels."""

KINDS = 3
"""Number of classes: normal, pneumonia, COVID-19, in this order."""
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
    """Return the default folder of the phantom `name`, phantom-ct or phantom-xray.

    It is named by the version, in `cache_folder`.
    """
    return cache_folder() / f"{name}-v{VERSIONS[name]}"


def build(
    folder: str | Path,
    settings: dict[str, int | str],
    readme: str,
    *,
    images: Callable[[int], int],
    grow: Callable,
    draw: Callable,
    write_labels: Callable,
) -> Path:
    """Make the folder of a phantom, unless it holds this phantom already.

    Args:
        settings: all that the files depend on, kept in the folder as JSON.
        readme: its last lines; may hold the names of settings in braces.
        images: number of images of a patient, from the patient's rank in its class.
        grow: draws a tree of vessels from a random generator.
        draw: draw(folder, settings, case, textures, trees) writes the images of one patient and
            returns one item for each.
        write_labels: write_labels(folder, cases, items) writes the label files.

    Returns:
        `folder`.

    Raises:
        InputError: a setting is too small; `folder` holds something else than a phantom, or
            cannot be written.
    """
    folder = Path(folder)
    _check(settings)
    if _holds(folder, settings):
        return folder
    cases = _draw_cases(settings, images)
    rng = np.random.default_rng([settings["seed"], 1])
    with atomic_folder(folder) as temporary:
        (temporary / "images").mkdir()
        textures = Textures.make(settings["size"], rng)
        trees = [grow(rng) for _ in range(2)]
        items = _in_threads(lambda case: draw(temporary, settings, case, textures, trees), cases)
        write_labels(temporary, cases, items)
        (temporary / "README.txt").write_text((_README + readme).format(**settings), "utf-8")
        write_json(temporary / _PARAMETERS, settings)
    return folder


_README = """\
SYNTHETIC PHANTOM. THESE ARE NOT PATIENTS.

The program covid_keras drew every image (covid_keras.phantom); no patient's data went into them.
Nothing measured on them says anything about COVID-19, pneumonia or the worth of a classifier in
a hospital. They are for trying out and testing the software.

"""


def _in_threads(draw: Callable[[Case], list], cases: list[Case]) -> list[list]:
    """Return draw(case) of every case, in order; each is a list with one item per image."""
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


def _check(settings: dict) -> None:
    for name, least in _LEAST.items():
        if settings.get(name, least) < least:
            raise InputError(
                f"phantom: expected {name} of {least} or more. Received: {settings[name]}"
            )


def _holds(folder: Path, settings: dict) -> bool:
    """Return whether `folder` is this phantom; raise InputError if it is no phantom at all."""
    if not folder.exists():
        return False
    if (folder / _PARAMETERS).is_file():
        return read_json(folder / _PARAMETERS) == settings
    if not folder.is_dir() or any(folder.iterdir()):
        raise InputError(f"{folder}: expected no such folder, an empty one or an older phantom")
    return False


def _draw_cases(settings: dict, images: Callable[[int], int]) -> list[Case]:
    """Return patients with classes and sources in turn (balanced), and shuffled numbers."""
    rng = np.random.default_rng([settings["seed"], 0])
    numbers = rng.permutation(settings["patients"]) + 1
    cases = []
    for index, number in enumerate(numbers):
        kind, rank = index % KINDS, index // KINDS
        split = ("train", "train", "val", "train", "test")[rank % 5]
        cases.append(Case(int(number), kind, rank % 2, split, images(rank)))
    return sorted(cases, key=lambda case: case.number)
