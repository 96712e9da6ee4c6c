"""Write the CT phantom as a folder that the COVIDx CT reader reads."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from covid_keras.phantom.build import Case, build
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
    return build(
        "phantom-ct",
        folder,
        {"patients": patients, "slices": slices, "size": size, "seed": seed},
        images=lambda rank: slices,
        grow=grow_tree,
        draw=_draw,
        labels="{split}_phantom-ct.txt",
    )


def _draw(settings: dict, case: Case, textures, trees) -> Iterator[tuple[str, np.ndarray, str]]:
    rng = np.random.default_rng([settings["seed"], 2, case.number])
    scanner = SCANNERS[case.source]
    patient = Patient.draw(draw_findings(case.kind, rng), scanner, trees, rng)
    first, last = rng.uniform(0.16, 0.32), rng.uniform(0.8, 0.92)
    spacing = (last - first) / settings["slices"]
    for index in range(case.images):
        level = first + spacing * (index + rng.uniform(0.3, 0.7))
        image, box = scan(patient, level, settings["size"], textures, rng)
        name = f"{scanner.name}-{case.number:04d}_{index + 1:04d}.png"
        yield name, image, f"{name} {case.kind} {' '.join(map(str, box))}\n"
