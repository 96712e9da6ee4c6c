"""Make a phantom's folder: patients, drawing in threads, README; whole or not at all."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from covid_keras.phantom.grid import Textures
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import atomic_folder, cache_folder, read_json, write_json
from covid_keras.utils.progress import progress

VERSIONS = {"phantom-ct": 1, "phantom-xray": 1}
"""Raised whenever the same seed gives other pixels."""

_PARAMETERS = "phantom.json"
_LEAST = {"patients": 15, "slices": 1, "size": 64, "seed": 0}


@dataclass(frozen=True)
class Case:
    """One patient, before anything is drawn."""

    number: int
    kind: int
    """Class: 0 normal, 1 pneumonia, 2 COVID-19."""
    source: int
    split: str
    images: int


def phantom_folder(name: str) -> Path:
    """Return the default folder of the phantom `name`, phantom-ct or phantom-xray.

    It is named by the version, in `cache_folder`.
    """
    return cache_folder() / f"{name}-v{VERSIONS[name]}"


def build(
    name: str,
    folder: str | Path,
    settings: dict[str, int | str],
    *,
    images: Callable[[int], int],
    grow: Callable,
    draw: Callable,
    labels: str,
    header: str = "",
) -> Path:
    """Make the folder of the phantom `name`, unless it holds this phantom already.

    Args:
        settings: all that the files depend on, kept in the folder as JSON.
        images: number of images of a patient, from the patient's rank in its class.
        grow: draws a tree of vessels from a random generator.
        draw: draw(settings, case, textures, trees) yields file name, pixels and line of the label
            file for every image of one patient.
        labels: name of the label file; "{split}" in it gives one file per split.
        header: first line of a label file.

    Returns:
        `folder`.

    Raises:
        InputError: a setting is too small; `folder` holds something else than a phantom, or
            cannot be written.
    """
    folder = Path(folder)
    for key, least in _LEAST.items():
        if settings.get(key, least) < least:
            raise InputError(f"{key}: expected {least} or more. Received: {settings[key]}")
    settings = settings | {"version": VERSIONS[name]}
    if _holds(folder, settings):
        return folder
    cases = _draw_cases(settings, images)
    rng = np.random.default_rng([settings["seed"], 1])
    readme = Path(__file__).with_name(f"readme-{name}.txt").read_text("utf-8")
    texts = {labels.format(split=case.split): header for case in cases}
    with atomic_folder(folder) as temporary:
        (temporary / "images").mkdir()
        textures = Textures.make(settings["size"], rng)
        trees = [grow(rng) for _ in range(2)]

        def write_images(case: Case) -> list[str]:
            lines = []
            for file, image, line in draw(settings, case, textures, trees):
                (temporary / "images" / file).write_bytes(cv2.imencode(".png", image)[1].tobytes())
                lines.append(line)
            return lines

        total = sum(case.images for case in cases)
        with ThreadPoolExecutor(os.cpu_count()) as pool, progress("phantom", total=total) as bar:
            for case, lines in zip(cases, pool.map(write_images, cases), strict=True):
                texts[labels.format(split=case.split)] += "".join(lines)
                bar.update(len(lines))
        for file, text in (texts | {"README.txt": readme.format(**settings)}).items():
            (temporary / file).write_text(text, "utf-8")
        write_json(temporary / _PARAMETERS, settings)
    return folder


def _holds(folder: Path, settings: dict) -> bool:
    """Return whether `folder` is this phantom; raise InputError if it is no phantom at all."""
    if (folder / _PARAMETERS).is_file():
        return read_json(folder / _PARAMETERS) == settings
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: expected no such folder, an empty one or an older phantom")
    return False


def _draw_cases(settings: dict, images: Callable[[int], int]) -> list[Case]:
    """Return patients with classes and sources in turn (balanced), and shuffled numbers."""
    rng = np.random.default_rng([settings["seed"], 0])
    numbers = rng.permutation(settings["patients"]) + 1
    cases = []
    for index, number in enumerate(numbers):
        rank, kind = divmod(index, 3)
        split = ("train", "train", "val", "train", "test")[rank % 5]
        cases.append(Case(int(number), kind, rank % 2, split, images(rank)))
    return sorted(cases, key=lambda case: case.number)
