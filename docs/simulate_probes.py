"""Measure how often the interval of a probe holds chance where there is nothing to read.

    python docs/simulate_probes.py [--draws 200]

Each draw is a test set of patients with three images each. The attribute of a patient is drawn by
lot; features are normal, and half of their variance is shared by the images of a patient, or all of
it. Prints the table of docs/explanation/intervals.md.
"""

import argparse

import numpy as np

from covid_keras.metrics.probes import WIDER, probe

IMAGES = 3
CELLS = (
    (40, 256, 0.5, (0.5, 0.5)),
    (60, 6, 0.5, (0.5, 0.5)),
    (60, 64, 1.0, (0.5, 0.5)),
    (60, 64, 0.5, (0.8, 0.2)),
    (90, 64, 0.5, (0.4, 0.3, 0.3)),
    (200, 64, 0.5, (0.5, 0.5)),
)
"""Patients, features, shared part of their variance, probability of each value."""


def bounds(cell: tuple, draw: int) -> list[tuple[float, float]]:
    """Return the interval of the probe, and what it was without being made wider."""
    patients, size, shared, chances = cell
    rng = np.random.default_rng([patients, size, draw])
    clusters = np.arange(patients).repeat(IMAGES)
    of_patient, own = (rng.normal(size=(rows, size)) for rows in (patients, clusters.size))
    features = np.sqrt(shared) * of_patient[clusters] + np.sqrt(1 - shared) * own
    values = rng.choice([*"abc"][: len(chances)], patients, p=chances)[clusters]
    found = probe(features, values, clusters, draw)
    plain = type(found)(found.value, found.influence / WIDER, found.units, found.kind)
    return [found.bounds(), plain.bounds()]


def shape(cell: tuple) -> list[str]:
    """Return what a row of the table begins with."""
    patients, size, shared, chances = cell
    return [f"{patients}", f"{size}", f"{shared:g}", " : ".join(f"{100 * p:.0f}" for p in chances)]


def shares(cell: tuple, draws: int) -> list[str]:
    """Return the rest of the row, in percent: holds chance, above it, holds it without `WIDER`."""
    low, high = np.moveaxis([bounds(cell, draw) for draw in range(draws)], -1, 0)
    holds, narrow = 100 * ((low <= 0.5) & (high >= 0.5)).mean(axis=0)
    return [f"{share:.1f}" for share in (holds, 100 * (low[:, 0] > 0.5).mean(), narrow)]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=200)
    draws = parser.parse_args().draws
    for cell in CELLS:
        print(f"| {' | '.join([*shape(cell), *shares(cell, draws)])} |", flush=True)


if __name__ == "__main__":
    main()
