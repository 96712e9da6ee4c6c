"""Images that look alike, except slices of one patient in one split and class."""

from pathlib import Path

import numpy as np

from covid_keras.audit.check import WARN, AuditData, Pair, PairCheck, equal
from covid_keras.audit.copies import near_pairs
from covid_keras.datasets.label_files import read_csv


class NearDuplicates(PairCheck):
    name = "near duplicates"
    kind = "leak"
    severity = WARN
    what = "that look alike"
    explanation = "Copies leak like equal pixels. Remove them; list the others for --accept."

    def pairs(self, data: AuditData) -> np.ndarray:
        """Return near duplicates without equal pixels that nobody has reviewed."""
        rows, pairs = data.scanned, near_pairs(data.scan.perceptual, data.scan.thumbnails)
        one_scan = rows["patient"].ne("").to_numpy()[pairs[:, 0]]
        for column in ("patient", "split", "label"):
            one_scan &= equal(rows[column], pairs)
        pairs = pairs[~one_scan & ~equal(data.scan.table["pixels"], pairs)]
        images = rows["image"].to_numpy()[pairs]
        return pairs[[frozenset(pair) not in data.accepted for pair in images]]


def read_accepted(path: Path) -> list[Pair]:
    """Read pairs of near duplicates already reviewed from a CSV with the columns first, second.

    Raises:
        InputError: the file cannot be read, or a column is missing.
    """
    return [(row["first"], row["second"]) for _, row in read_csv(path, ["first", "second"])]
