"""Write the phantom as a folder that the COVIDx CT reader reads."""

import dataclasses
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from covid_keras.errors import InputError
from covid_keras.files import atomic_folder, read_json, write_json

VERSION = 1
"""Raised whenever the same seed gives other pictures."""

CLASSES = ("Normal", "Pneumonia", "COVID-19")
SPLITS = ("train", "val", "test")
_PARAMETERS = "phantom.json"


@dataclass(frozen=True)
class _Settings:
    """All that the files depend on."""

    patients: int
    slices: int
    size: int
    seed: int
    version: int = VERSION


@dataclass(frozen=True)
class _Case:
    """One patient, before anything is drawn."""

    number: int
    kind: int
    scanner: int
    split: str


def phantom_folder() -> Path:
    """Where the phantom is kept unless told otherwise.

    The folder is named by the version, under the environment variable COVID_KERAS_CACHE or else
    the user's cache.
    """
    import pooch

    cache = os.environ.get("COVID_KERAS_CACHE") or pooch.os_cache("covid_keras")
    return Path(cache) / f"phantom-ct-v{VERSION}"


def make_phantom(
    folder: str | Path,
    *,
    patients: int = 60,
    slices: int = 6,
    size: int = 512,
    seed: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write synthetic chest CT slices of three classes from two sources.

    The layout is that of COVIDx CT: images/phantomA-0007_0003.png (source and patient, slice) as
    uint8 grey, window -600/1500 HU; {train,val,test}_phantom-ct.txt with lines
    `filename class xmin ymin xmax ymax`, the body's box, xmax and ymax exclusive; README.txt;
    phantom.json. Patients are balanced over classes and sources and split 60/20/20 by patient,
    the same in each class; a class has both sources in the same share. The same arguments give
    the same bytes. A complete phantom of the same arguments is kept as it is.

    Args:
        folder: is made; an older phantom in it is replaced.
        patients: at least 15, five in each class.
        slices: of each patient, at least 1, from the top of the lungs downwards.
        size: side in pixels, at least 64.
        seed: of all random draws.
        on_progress: is called with (slices written, slices in all), from one thread.

    Returns:
        `folder`.

    Raises:
        InputError: too few patients, slices or pixels; `folder` holds other things than a phantom,
            or cannot be written.
    """
    folder = Path(folder)
    settings = _Settings(patients, slices, size, seed)
    _check(settings)
    if _holds(folder, settings):
        return folder
    cases = _draw_cases(settings)
    with atomic_folder(folder) as temporary:
        boxes = _write_images(temporary / "images", settings, cases, on_progress)
        _write_texts(temporary, settings, cases, boxes)
    return folder


def _check(settings: _Settings) -> None:
    for name, least in (("patients", 15), ("slices", 1), ("size", 64), ("seed", 0)):
        value = getattr(settings, name)
        if value < least:
            raise InputError(f"phantom: expected {name} of {least} or more. Received: {value}")


def _holds(folder: Path, settings: _Settings) -> bool:
    """Whether `folder` is this phantom already; raises where it holds anything else."""
    if not folder.exists():
        return False
    if (folder / _PARAMETERS).is_file():
        return read_json(folder / _PARAMETERS) == dataclasses.asdict(settings)
    if not folder.is_dir() or any(folder.iterdir()):
        raise InputError(f"{folder}: expected no such folder, an empty one or an older phantom")
    return False


def _draw_cases(settings: _Settings) -> list[_Case]:
    """Classes and scanners in turn, so that both are balanced; numbers that tell neither."""
    rng = np.random.default_rng([settings.seed, 0])
    numbers = rng.permutation(settings.patients) + 1
    cases = []
    for index, number in enumerate(numbers):
        kind, rank = index % len(CLASSES), index // len(CLASSES)
        split = ("train", "train", "val", "train", "test")[rank % 5]
        cases.append(_Case(int(number), kind, rank % 2, split))
    return sorted(cases, key=lambda case: case.number)


def _name(case: _Case, index: int) -> str:
    return f"phantom{'AB'[case.scanner]}-{case.number:04d}_{index + 1:04d}.png"


def _write_images(folder: Path, settings: _Settings, cases: list[_Case], on_progress) -> list:
    """Returns a list of boxes for each case."""
    from covid_keras.data.phantom.grid import Textures
    from covid_keras.data.phantom.vessels import grow_tree

    folder.mkdir()
    rng = np.random.default_rng([settings.seed, 1])
    textures = Textures.make(settings.size, rng)
    trees = [grow_tree(rng) for _ in range(2)]
    boxes = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = [pool.submit(_scan_case, folder, settings, c, textures, trees) for c in cases]
        try:
            for job in jobs:
                boxes.append(job.result())
                if on_progress:
                    on_progress(len(boxes) * settings.slices, len(cases) * settings.slices)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return boxes


def _scan_case(folder: Path, settings: _Settings, case: _Case, textures, trees) -> list:
    """Draw and write all slices of one patient; returns their boxes."""
    import cv2

    from covid_keras.data.phantom.lesions import draw_findings
    from covid_keras.data.phantom.scanner import SCANNERS, Patient, scan

    rng = np.random.default_rng([settings.seed, 2, case.number])
    patient = Patient.draw(draw_findings(case.kind, rng), SCANNERS[case.scanner], trees, rng)
    first, last = rng.uniform(0.16, 0.32), rng.uniform(0.8, 0.92)
    spacing = (last - first) / settings.slices
    boxes = []
    for index in range(settings.slices):
        level = first + spacing * (index + rng.uniform(0.3, 0.7))
        image, box = scan(patient, level, settings.size, textures, rng)
        encoded = cv2.imencode(".png", image)[1]
        (folder / _name(case, index)).write_bytes(encoded.tobytes())
        boxes.append(box)
    return boxes


def _write_texts(folder: Path, settings: _Settings, cases: list[_Case], boxes: list) -> None:
    for split in SPLITS:
        lines = [
            f"{_name(case, index)} {case.kind} {' '.join(map(str, box))}\n"
            for case, of_case in zip(cases, boxes, strict=True)
            if case.split == split
            for index, box in enumerate(of_case)
        ]
        (folder / f"{split}_phantom-ct.txt").write_text("".join(lines), encoding="utf-8")
    (folder / "README.txt").write_text(_README.format(**dataclasses.asdict(settings)), "utf-8")
    write_json(folder / _PARAMETERS, dataclasses.asdict(settings))


_README = """\
SYNTHETIC PHANTOM. THESE ARE NOT PATIENTS.

Every slice was drawn by the program covid_keras (covid_keras/data/phantom), from no patient's data.
Nothing that is measured on it says anything about COVID-19, pneumonia or a classifier's worth
in a hospital. It is for trying out and testing the software.

{patients} phantoms of {slices} slices, {size} x {size} pixels, seed {seed}, version {version}.
Made by: covid_keras.data.phantom.make_phantom(folder, patients={patients}, slices={slices}, \
size={size}, seed={seed})

images/phantomA-0007_0003.png   source A or B, phantom 7, slice 3; grey, window -600/1500 HU
*_phantom-ct.txt                filename class xmin ymin xmax ymax (body; max exclusive)
                                0 Normal, 1 Pneumonia, 2 COVID-19; split by phantom
Source A: sharp kernel, high noise, curved couch, round field of view.
Source B: soft kernel, low noise, flat couch, square field of view.
Both sources have all classes in equal shares.
"""
