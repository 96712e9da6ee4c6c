"""Write the X-ray phantom as a folder with a labels.csv."""

import functools
from pathlib import Path

import cv2
import numpy as np

from covid_keras.phantom.build import VERSIONS, Case, build
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
    settings = {"patients": patients, "size": size, "seed": seed}
    return build(
        folder,
        settings | {"kind": "xray", "version": VERSIONS["phantom-xray"]},
        _README,
        images=lambda rank: 1 + rank // 2 % 2,  # two patients of each department in turn
        grow=functools.partial(grow_tree, leaves=4000, reach=(0.15, 0.4)),
        draw=_draw,
        write_labels=_write_labels,
    )


def _draw(folder: Path, settings: dict, case: Case, textures, trees) -> list[str]:
    """Write the films of one patient; return their names."""
    rng = np.random.default_rng([settings["seed"], 2, case.number])
    department = DEPARTMENTS[case.source]
    subject = Subject.draw(draw_findings(case.kind, rng), trees, rng)
    names = []
    for film in range(case.images):
        image = expose(subject.on_the_day(rng), department, settings["size"], textures, rng)
        name = f"images/{department.name}-{case.number:04d}_{film + 1}.png"
        (folder / name).write_bytes(cv2.imencode(".png", image)[1].tobytes())
        names.append(name)
    return names


def _write_labels(folder: Path, cases: list[Case], names: list[list[str]]) -> None:
    lines = ["image,label,patient,split,source\n"]
    for case, of_case in zip(cases, names, strict=True):
        source = DEPARTMENTS[case.source].name
        patient = f"{source}-{case.number:04d}"
        lines += [
            f"{name},{CLASSES[case.kind]},{patient},{case.split},{source}\n" for name in of_case
        ]
    (folder / "labels.csv").write_text("".join(lines), encoding="utf-8")


_README = """\
Made by covid_keras.phantom.make_phantom_xray(folder, patients={patients}, size={size}, \
seed={seed}), version {version}.

images/phantomA-0007_1.png   department A or B, phantom 7, film 1; grey, bone bright
labels.csv                   image,label,patient,split,source; split by phantom
Department A: strong edge enhancement, fine noise, a plain letter L.
Department B: softer, more scatter, collimator borders, a boxed letter L.
Both departments have the same share of each class.
"""
