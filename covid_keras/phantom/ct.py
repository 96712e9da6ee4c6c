"""Write the CT phantom as a folder that the COVIDx CT reader reads."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from covid_keras.phantom.build import SPLITS, VERSIONS, Case, build, draw_in_threads


@dataclass(frozen=True)
class _Settings:
    """All that the files depend on."""

    patients: int
    slices: int
    size: int
    seed: int
    version: int = VERSIONS["phantom-ct"]


def make_phantom(
    folder: str | Path,
    *,
    patients: int = 60,
    slices: int = 6,
    size: int = 512,
    seed: int = 0,
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

    Returns:
        `folder`.

    Raises:
        InputError: too few patients, slices or pixels; `folder` holds other things than a phantom,
            or cannot be written.
    """
    settings = _Settings(patients, slices, size, seed)
    return build(folder, settings, lambda rank: slices, _write)


def _name(case: Case, index: int) -> str:
    return f"phantom{'AB'[case.source]}-{case.number:04d}_{index + 1:04d}.png"


def _write(folder: Path, settings: _Settings, cases: list[Case]) -> None:
    from covid_keras.phantom.grid import Textures
    from covid_keras.phantom.vessels import grow_tree

    (folder / "images").mkdir()
    rng = np.random.default_rng([settings.seed, 1])
    textures = Textures.make(settings.size, rng)
    trees = [grow_tree(rng) for _ in range(2)]
    boxes = draw_in_threads(
        lambda case: _scan_case(folder / "images", settings, case, textures, trees),
        cases,
    )
    _write_texts(folder, settings, cases, boxes)


def _scan_case(folder: Path, settings: _Settings, case: Case, textures, trees) -> list:
    """Draw and write all slices of one patient; returns their boxes."""
    import cv2

    from covid_keras.phantom.lesions import draw_findings
    from covid_keras.phantom.scanner import SCANNERS, Patient, scan

    rng = np.random.default_rng([settings.seed, 2, case.number])
    patient = Patient.draw(draw_findings(case.kind, rng), SCANNERS[case.source], trees, rng)
    first, last = rng.uniform(0.16, 0.32), rng.uniform(0.8, 0.92)
    spacing = (last - first) / settings.slices
    boxes = []
    for index in range(case.images):
        level = first + spacing * (index + rng.uniform(0.3, 0.7))
        image, box = scan(patient, level, settings.size, textures, rng)
        encoded = cv2.imencode(".png", image)[1]
        (folder / _name(case, index)).write_bytes(encoded.tobytes())
        boxes.append(box)
    return boxes


def _write_texts(folder: Path, settings: _Settings, cases: list[Case], boxes: list) -> None:
    for split in SPLITS:
        lines = [
            f"{_name(case, index)} {case.kind} {' '.join(map(str, box))}\n"
            for case, of_case in zip(cases, boxes, strict=True)
            if case.split == split
            for index, box in enumerate(of_case)
        ]
        (folder / f"{split}_phantom-ct.txt").write_text("".join(lines), encoding="utf-8")
    (folder / "README.txt").write_text(_README.format(**dataclasses.asdict(settings)), "utf-8")


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
