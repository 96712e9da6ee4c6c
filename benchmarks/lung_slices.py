"""Measure the rule that leaves slices of CT outside of the lungs out (`images/lungs.py`).

    python benchmarks/lung_slices.py [DATA]

On the phantom, which knows its lungs: patients of three classes and two scanners, from the apex of
the lungs to their base; the same levels with the lungs filled with tissue are slices outside of
them, with the windpipe or the gas in the stomach. On the 25 slices of DATA/ct_volume_example,
labelled by eye: slices show lungs where a cross-section of a lung can be judged; 53 and 55 show the
rim of the recesses alone.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from covid_keras.images.lungs import LEAST_AIR, air_in_body
from covid_keras.images.presentation import apply_window
from covid_keras.images.read import LUNG_WINDOW, read_image
from covid_keras.phantom import lesions
from covid_keras.phantom.anatomy import Level
from covid_keras.phantom.grid import Textures
from covid_keras.phantom.scanner import SCANNERS, Patient, lungs, scan
from covid_keras.phantom.vessels import grow_tree

BY_EYE = {number: number not in (53, 55) for number in range(7, 57, 2)}
"""{number of a slice in ct_volume_example: whether it shows lungs}."""
SIZE = 256
LEVELS = np.linspace(0, 1.05, 22)
"""Of the slices of each patient: 0 is the apex of the lungs, 1 their base."""
SHOWN = 0.05
"""Share of the body that the lungs cover where a slice shows them."""


def phantom(patients: int) -> Counter:
    """Return {(lungs, judged): slices}; lungs: "shown", "rim" or "none", judged: kept or not."""
    return Counter(
        (kind, air_in_body(image, LUNG_WINDOW) >= LEAST_AIR)
        for kind, image in _phantom_slices(patients)
    )


def real_volume(folder: Path) -> dict[int, float]:
    """Return {number of a slice: share of air in the body}."""
    files = {number: folder / f"IMG-0001-{number:05}.jpg" for number in BY_EYE}
    return {number: air_in_body(read_image(file), LUNG_WINDOW) for number, file in files.items()}


def _phantom_slices(patients: int) -> Iterator[tuple[str, np.ndarray]]:
    """Yield slices of the phantom with what they show of the lungs."""
    rng = np.random.default_rng(0)
    textures, trees = Textures.make(SIZE, rng), [grow_tree(rng) for _ in range(2)]
    for number in range(patients):
        findings = lesions.draw_findings(number % 3, rng)
        patient = Patient.draw(findings, SCANNERS[number // 3 % 2], trees, rng)
        for level in LEVELS:
            grid, here = patient.grid(SIZE), Level(patient.chest, level)
            body = np.zeros((SIZE, SIZE), np.uint8)
            grid.fill(body, here.body(), 1)
            share = (lungs(patient, level, SIZE) > 0).sum() / body.sum()
            yield "shown" if share >= SHOWN else "rim", scan(patient, level, SIZE, textures, rng)[0]
            noise = rng.normal(0, patient.noise, body.shape)
            yield "none", apply_window(here.tissue(grid) + noise, LUNG_WINDOW)


def main(data: Path | None = None) -> None:
    """Print both measurements."""
    found = phantom(30)
    for kind in ("shown", "rim", "none"):
        kept, out = found[kind, True], found[kind, False]
        print(f"phantom, lungs {kind}: {kept + out} slices, {kept} kept, {out} left out")
    if data:
        shares = real_volume(data / "ct_volume_example")
        wrong = [n for n, share in shares.items() if (share >= LEAST_AIR) != BY_EYE[n]]
        print(f"real volume: {len(wrong)} of {len(shares)} slices judged otherwise than by eye")
        print(*(f"{n}: {100 * share:.1f} %" for n, share in shares.items()), sep=", ")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
