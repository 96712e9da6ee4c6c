"""Images that look alike, except slices of one patient in one split and class."""

from pathlib import Path

import numpy as np

from covid_keras.audit.check import WARN, AuditData, Pair
from covid_keras.audit.near import near_pairs
from covid_keras.audit.pairs import PairCheck
from covid_keras.datasets.label_files import read_csv


class NearDuplicates(PairCheck):
    name = "near duplicates"
    kind = "leak"
    severity = WARN
    what = "that look alike"
    explanation = "Copies leak like equal pixels. Remove them; list the others for --accept."

    def pairs(self, data: AuditData) -> np.ndarray:
        """Return near duplicates without equal pixels that nobody has reviewed."""
        pairs = near_pairs(data.scan.perceptual, data.scan.thumbnails)
        rows = data.scanned.assign(pixels=data.scan.table["pixels"])
        first, second = (rows.iloc[side] for side in pairs.T)
        columns = ["patient", "split", "label"]
        one_scan = (first[columns].to_numpy() == second[columns].to_numpy()).all(axis=1)
        one_scan &= first["patient"].ne("").to_numpy()
        equal = first["pixels"].to_numpy() == second["pixels"].to_numpy()
        pairs = pairs[~(one_scan | equal)]
        images = data.scanned["image"].to_numpy()[pairs]
        reviewed = np.array([frozenset(pair) in data.accepted for pair in images], dtype=bool)
        return pairs[~reviewed]


def read_accepted(path: Path) -> list[Pair]:
    """Read pairs of near duplicates already reviewed from a CSV with the columns first, second.

    Raises:
        InputError: the file cannot be read, or a column is missing.
    """
    return [(row["first"], row["second"]) for _, row in read_csv(path, ["first", "second"])]
