"""Make the folders of the phantoms: patients, drawing in threads, README; whole or not at all."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from covid_keras.phantom import lesions, radiograph_findings
from covid_keras.phantom.grid import Textures
from covid_keras.phantom.radiograph import DEPARTMENTS, Subject, expose
from covid_keras.phantom.scanner import SCANNERS, Patient, disease, lungs, scan
from covid_keras.phantom.vessels import Tree, grow_tree
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import atomic_folder, cache_folder, is_empty, read_json, write_json
from covid_keras.utils.progress import progress

VERSIONS = {"phantom-ct": 3, "phantom-xray": 1}
"""Raised whenever the same seed gives other files."""
XRAY_CLASSES = ("No_findings", "Pneumonia", "Covid-19")

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


MASKS, LUNGS = "masks", "lung_masks"
"""Folders with the masks of the disease and of the lungs, in a phantom that has them."""

Drawn = Iterator[tuple[dict[str, np.ndarray], str]]
"""Of each image of one patient: {file: pixels}, and the line in the label file."""


def phantom_folder(name: str) -> Path:
    """Return the default folder of the phantom `name`, which holds its version."""
    return cache_folder() / f"{name}-v{VERSIONS[name]}"


def make_phantom(
    folder: str | Path, *, patients: int = 720, slices: int = 1, size: int = 512, seed: int = 0
) -> Path:
    """Write synthetic chest CT slices of three classes from two sources.

    The layout is that of COVIDx CT: images/phantomA-0007_0003.png (source and patient, slice) as
    uint8 grey, window -600/1500 HU; masks/ of the same names, 255 where the disease is, of slices
    that show it; lung_masks/ where the lungs are; {train,val,test}_phantom-ct.txt with lines
    `filename class xmin ymin xmax ymax`, the body's box, xmax and ymax exclusive; README.txt;
    phantom.json. The split is 60/20/20 by patient; classes and sources are balanced, in each split
    and with each other. The same arguments give the same bytes. A complete phantom of the same
    arguments is not made again.

    Args:
        folder: where to write; an older phantom in it is replaced.
        patients: number of patients, at least 15 (five per class).
        slices: slices per patient, at least 1, from the top of the lungs downwards.
        size: side in pixels, at least 64.
        seed: seed of all random draws.

    Returns:
        `folder`.

    Raises:
        InputError: too few patients, slices or pixels; `folder` holds something else than a
            phantom, or cannot be written.
    """
    settings = {"patients": patients, "slices": slices, "size": size, "seed": seed}
    labels = "{split}_phantom-ct.txt"
    return _build("phantom-ct", folder, settings, lambda rank: slices, grow_tree, _slices, labels)


def make_phantom_xray(
    folder: str | Path, *, patients: int = 240, size: int = 512, seed: int = 0
) -> Path:
    """Write synthetic frontal chest radiographs of three classes from two departments.

    images/phantomA-0007_1.png (department and patient, film) are uint8 grey, bone bright, the
    patient's right on the left; labels.csv has the columns image,label,patient,split,source;
    README.txt; phantom.json. Every patient has one film or two; their numbers are balanced too.
    All else, arguments and errors included, is as in `make_phantom`.
    """
    settings = {"patients": patients, "size": size, "seed": seed, "kind": "xray"}
    grow = partial(grow_tree, leaves=4000, reach=(0.15, 0.4))
    header = "image,label,patient,split,source\n"

    def films(rank: int) -> int:
        return 1 + rank // 2 % 2  # two patients of each department in turn

    return _build("phantom-xray", folder, settings, films, grow, _films, "labels.csv", header)


def _build(
    name: str,
    folder: str | Path,
    settings: dict[str, int | str],
    images: Callable[[int], int],
    grow: Callable[[np.random.Generator], Tree],
    draw: Callable[..., Drawn],
    labels: str,
    header: str = "",
) -> Path:
    """Make the folder of the phantom `name`, unless it holds this phantom already; return it.

    Args:
        settings: all that the files depend on, kept in the folder as JSON.
        images: number of images of a patient, from the patient's rank in its class.
        grow: draws a tree of vessels.
        draw: draw(settings, case, textures, trees, rng) draws one patient's images.
        labels: name of the label file; "{split}" in it gives one file per split.
        header: first line of a label file.
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
        textures = Textures.make(settings["size"], rng)
        trees = [grow(rng) for _ in range(2)]

        def write_images(case: Case) -> list[str]:
            lines = []
            rng = np.random.default_rng([settings["seed"], 2, case.number])
            for files, line in draw(settings, case, textures, trees, rng):
                for file, pixels in files.items():
                    (temporary / file).parent.mkdir(exist_ok=True)
                    (temporary / file).write_bytes(cv2.imencode(".png", pixels)[1].tobytes())
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
    if folder.exists() and not (folder.is_dir() and is_empty(folder)):
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


def _slices(settings: dict, case: Case, textures: Textures, trees: list[Tree], rng) -> Drawn:
    scanner = SCANNERS[case.source]
    patient = Patient.draw(lesions.draw_findings(case.kind, rng), scanner, trees, rng)
    first, last = rng.uniform(0.16, 0.32), rng.uniform(0.8, 0.92)
    spacing = (last - first) / settings["slices"]
    for index in range(case.images):
        level = first + spacing * (index + rng.uniform(0.3, 0.7))
        image, box = scan(patient, level, settings["size"], textures, rng)
        name = f"{scanner.name}-{case.number:04d}_{index + 1:04d}.png"
        files, mask = {f"images/{name}": image}, disease(patient, level, settings["size"], textures)
        if mask.any():
            files[f"{MASKS}/{name}"] = mask
        files[f"{LUNGS}/{name}"] = lungs(patient, level, settings["size"])
        yield files, f"{name} {case.kind} {' '.join(map(str, box))}\n"


def _films(settings: dict, case: Case, textures: Textures, trees: list[Tree], rng) -> Drawn:
    department = DEPARTMENTS[case.source]
    subject = Subject.draw(radiograph_findings.draw_findings(case.kind, rng), trees, rng)
    patient = f"{department.name}-{case.number:04d}"
    about = f"{XRAY_CLASSES[case.kind]},{patient},{case.split},{department.name}"
    for film in range(case.images):
        image = expose(subject.on_the_day(rng), department, settings["size"], textures, rng)
        name = f"{patient}_{film + 1}.png"
        yield {f"images/{name}": image}, f"images/{name},{about}\n"
