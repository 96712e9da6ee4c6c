"""Write the X-ray phantom as a folder with a labels.csv."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from covid_keras.phantom.build import VERSIONS, Case, build, draw_in_threads

CLASSES = ("No_findings", "Pneumonia", "Covid-19")


@dataclass(frozen=True)
class _Settings:
    """All that the files depend on."""

    patients: int
    size: int
    seed: int
    kind: str = "xray"
    version: int = VERSIONS["phantom-xray"]


def make_phantom_xray(
    folder: str | Path,
    *,
    patients: int = 120,
    size: int = 512,
    seed: int = 0,
) -> Path:
    """Write synthetic frontal chest radiographs of three classes from two departments.

    images/phantomA-0007_1.png (department and patient, film) are uint8 grey, bone bright, the
    patient's right on the left; labels.csv has the columns image,label,patient,split,source;
    README.txt; phantom.json. Every patient has one film or two. Patients are balanced over classes
    and departments and split 60/20/20 by patient, the same in each class; a class has both
    departments, and both numbers of films, in the same share. The same arguments give the same
    bytes. A complete phantom of the same arguments is kept as it is.

    Args:
        folder: is made; an older phantom in it is replaced.
        patients: at least 15, five in each class.
        size: side in pixels, at least 64.
        seed: of all random draws.

    Returns:
        `folder`.

    Raises:
        InputError: too few patients or pixels; `folder` holds other things than a phantom, or
            cannot be written.
    """
    return build(folder, _Settings(patients, size, seed), _films, _write)


def _films(rank: int) -> int:
    """Of the patient of this rank in its class: two of each department have one, the next two."""
    return 1 + rank // 2 % 2


def _write(folder: Path, settings: _Settings, cases: list[Case]) -> None:
    from covid_keras.phantom.grid import Textures
    from covid_keras.phantom.vessels import grow_tree

    (folder / "images").mkdir()
    rng = np.random.default_rng([settings.seed, 1])
    textures = Textures.make(settings.size, rng)
    trees = [grow_tree(rng, 4000, reach=(0.15, 0.4)) for _ in range(2)]
    names = draw_in_threads(
        lambda case: _expose_case(folder, settings, case, textures, trees), cases
    )
    lines = ["image,label,patient,split,source\n"]
    for case, of_case in zip(cases, names, strict=True):
        source = f"phantom{'AB'[case.source]}"
        patient = f"{source}-{case.number:04d}"
        known = f"{CLASSES[case.kind]},{patient},{case.split},{source}"
        lines += [f"{name},{known}\n" for name in of_case]
    (folder / "labels.csv").write_text("".join(lines), encoding="utf-8")
    (folder / "README.txt").write_text(_README.format(**dataclasses.asdict(settings)), "utf-8")


def _expose_case(folder: Path, settings: _Settings, case: Case, textures, trees) -> list[str]:
    """Draw and write the films of one patient; returns their names."""
    import cv2

    from covid_keras.phantom.radiograph import DEPARTMENTS, Subject, expose
    from covid_keras.phantom.radiograph_findings import draw_findings

    rng = np.random.default_rng([settings.seed, 2, case.number])
    department = DEPARTMENTS[case.source]
    subject = Subject.draw(draw_findings(case.kind, rng), trees, rng)
    names = []
    for film in range(case.images):
        image = expose(subject.on_the_day(rng), department, settings.size, textures, rng)
        name = f"images/{department.name}-{case.number:04d}_{film + 1}.png"
        (folder / name).write_bytes(cv2.imencode(".png", image)[1].tobytes())
        names.append(name)
    return names


_README = """\
SYNTHETIC PHANTOM. THESE ARE NOT PATIENTS.

Every film was drawn by the program covid_keras (covid_keras/data/phantom), from no patient's data.
Nothing that is measured on it says anything about COVID-19, pneumonia or a classifier's worth
in a hospital. It is for trying out and testing the software.

{patients} phantoms of one or two frontal chest radiographs, {size} x {size} pixels, seed {seed}, \
version {version}.
Made by: covid_keras.data.phantom.make_phantom_xray(folder, patients={patients}, size={size}, \
seed={seed})

images/phantomA-0007_1.png   department A or B, phantom 7, film 1; grey, bone bright
labels.csv                   image,label,patient,split,source; split by phantom
Department A: strong edge enhancement, fine noise, a plain letter L.
Department B: softer, more scatter, collimator borders, a boxed letter L.
Both departments have all classes in equal shares.
"""
