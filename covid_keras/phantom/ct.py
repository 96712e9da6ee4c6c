"""Write the CT phantom as a folder that the COVIDx CT reader reads."""

from pathlib import Path

import cv2
import numpy as np

from covid_keras.datasets.label_files import SPLITS
from covid_keras.phantom.build import VERSIONS, Case, build
from covid_keras.phantom.lesions import draw_findings
from covid_keras.phantom.scanner import SCANNERS, Patient, scan
from covid_keras.phantom.vessels import grow_tree


def make_phantom(
    folder: str | Path, *, patients: int = 60, slices: int = 6, size: int = 512, seed: int = 0
) -> Path:
    """Write synthetic chest CT slices of three classes from two sources.

    The layout is that of COVIDx CT: images/phantomA-0007_0003.png (source and patient, slice) as
    uint8 grey, window -600/1500 HU; {train,val,test}_phantom-ct.txt with lines
    `filename class xmin ymin xmax ymax`, the body's box, xmax and ymax exclusive; README.txt;
    phantom.json. The split is 60/20/20 by patient; classes and sources are balanced, in each
    split and with each other. The same arguments give the same bytes. A complete phantom of the
    same arguments is not made again.

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
    return build(
        folder,
        settings | {"version": VERSIONS["phantom-ct"]},
        _README,
        images=lambda rank: slices,
        grow=grow_tree,
        draw=_draw,
        write_labels=_write_labels,
    )


def _name(case: Case, index: int) -> str:
    return f"phantom{'AB'[case.source]}-{case.number:04d}_{index + 1:04d}.png"


def _draw(folder: Path, settings: dict, case: Case, textures, trees) -> list:
    """Write all slices of one patient; return the box of each."""
    rng = np.random.default_rng([settings["seed"], 2, case.number])
    patient = Patient.draw(draw_findings(case.kind, rng), SCANNERS[case.source], trees, rng)
    first, last = rng.uniform(0.16, 0.32), rng.uniform(0.8, 0.92)
    spacing = (last - first) / settings["slices"]
    boxes = []
    for index in range(case.images):
        level = first + spacing * (index + rng.uniform(0.3, 0.7))
        image, box = scan(patient, level, settings["size"], textures, rng)
        encoded = cv2.imencode(".png", image)[1]
        (folder / "images" / _name(case, index)).write_bytes(encoded.tobytes())
        boxes.append(box)
    return boxes


def _write_labels(folder: Path, cases: list[Case], boxes: list[list]) -> None:
    for split in SPLITS:
        lines = [
            f"{_name(case, index)} {case.kind} {' '.join(map(str, box))}\n"
            for case, of_case in zip(cases, boxes, strict=True)
            if case.split == split
            for index, box in enumerate(of_case)
        ]
        (folder / f"{split}_phantom-ct.txt").write_text("".join(lines), encoding="utf-8")


_README = """\
Made by covid_keras.phantom.make_phantom(folder, patients={patients}, slices={slices}, \
size={size}, seed={seed}), version {version}.

images/phantomA-0007_0003.png   source A or B, phantom 7, slice 3; grey, window -600/1500 HU
*_phantom-ct.txt                filename class xmin ymin xmax ymax (body; max exclusive)
                                0 Normal, 1 Pneumonia, 2 COVID-19; split by phantom
Source A: sharp kernel, high noise, curved couch, round field of view.
Source B: soft kernel, low noise, flat couch, square field of view.
Both sources have the same share of each class.
"""
