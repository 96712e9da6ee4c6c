"""Write the X-ray phantom as a folder with a labels.csv."""

import functools
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from covid_keras.phantom.build import Case, build
from covid_keras.phantom.radiograph import DEPARTMENTS, Subject, expose
from covid_keras.phantom.radiograph_findings import draw_findings
from covid_keras.phantom.vessels import grow_tree

CLASSES = ("No_findings", "Pneumonia", "Covid-19")


def make_phantom_xray(
    folder: str | Path, *, patients: int = 120, size: int = 512, seed: int = 0
) -> Path:
    """Write synthetic frontal chest radiographs of three classes from two departments.

    images/phantomA-0007_1.png (department and patient, film) are uint8 grey, bone bright, the
    patient's right on the left; labels.csv has the columns image,label,patient,split,source;
    README.txt; phantom.json. Every patient has one film or two. The split is 60/20/20 by patient;
    classes, departments and numbers of films are balanced, in each split and with each other. The
    same arguments give the same bytes. A complete phantom of the same arguments is not made again.

    Args:
        folder: where to write; an older phantom in it is replaced.
        patients: number of patients, at least 15 (five per class).
        size: side in pixels, at least 64.
        seed: seed of all random draws.

    Returns:
        `folder`.

    Raises:
        InputError: too few patients or pixels; `folder` holds something else than a phantom, or
            cannot be written.
    """
    return build(
        "phantom-xray",
        folder,
        {"patients": patients, "size": size, "seed": seed, "kind": "xray"},
        images=lambda rank: 1 + rank // 2 % 2,  # two patients of each department in turn
        grow=functools.partial(grow_tree, leaves=4000, reach=(0.15, 0.4)),
        draw=_draw,
        labels="labels.csv",
        header="image,label,patient,split,source\n",
    )


def _draw(settings: dict, case: Case, textures, trees) -> Iterator[tuple[str, np.ndarray, str]]:
    rng = np.random.default_rng([settings["seed"], 2, case.number])
    department = DEPARTMENTS[case.source]
    subject = Subject.draw(draw_findings(case.kind, rng), trees, rng)
    patient = f"{department.name}-{case.number:04d}"
    about = f"{CLASSES[case.kind]},{patient},{case.split},{department.name}"
    for film in range(case.images):
        image = expose(subject.on_the_day(rng), department, settings["size"], textures, rng)
        name = f"{patient}_{film + 1}.png"
        yield name, image, f"images/{name},{about}\n"
