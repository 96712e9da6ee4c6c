"""Problems of kind "leak": copies of an image, and patients in more than one split."""

from pathlib import Path

import numpy as np

from covid_keras.audit.check import FAIL, WARN, AuditData, Check, Findings, Pair, PairCheck, equal
from covid_keras.audit.copies import near_pairs
from covid_keras.datasets.label_files import read_csv
from covid_keras.utils.text import count


class EqualPixels(PairCheck):
    name = "equal pixels"
    kind = "leak"
    severity = FAIL
    what = "with equal pixels"
    explanation = "Copies leak across splits; of two labels, one is wrong. Remove the copies."

    def pairs(self, data: AuditData) -> np.ndarray:
        """Return the pairs of each copy with the first image of its group.

        If two images of a group are in different splits, one of these pairs is across splits.
        """
        pixels = data.scan.table["pixels"]
        _, first, group = np.unique(pixels, return_index=True, return_inverse=True)
        pairs = np.stack([first[group], np.arange(len(group))], axis=1)
        pairs = pairs[pairs[:, 0] != pairs[:, 1]]
        return pairs[np.argsort(pairs[:, 0], kind="stable")]


class NearDuplicates(PairCheck):
    name = "near duplicates"
    kind = "leak"
    severity = WARN
    what = "that are near duplicates"
    explanation = "Copies leak across splits. Remove them; list false pairs for --accept."

    def pairs(self, data: AuditData) -> np.ndarray:
        """Return the near duplicates that are not yet reviewed and have other pixels.

        Slices of one patient in one split and class may be near duplicates.
        """
        rows, pairs = data.scanned, near_pairs(data.scan.perceptual, data.scan.thumbnails)
        one_scan = rows["patient"].ne("").to_numpy()[pairs[:, 0]]
        for column in ("patient", "split", "label"):
            one_scan &= equal(rows[column], pairs)
        pairs = pairs[~one_scan & ~equal(data.scan.table["pixels"], pairs)]
        images = rows["image"].to_numpy()[pairs]
        return pairs[[frozenset(pair) not in data.accepted for pair in images]]


class SharedPatients(Check):
    name = "shared patients"
    kind = "leak"
    severity = FAIL
    explanation = "A network recognises patients that it was trained on. Split by patient."

    def find(self, data: AuditData) -> Findings:
        if (shared := data.patients_with_several("split")).empty:
            return
        images = int(data.records["patient"].isin(shared.index).sum())
        first = shared.index[0]
        yield self.finding(
            f"{count(len(shared), 'patient')} in several splits, with"
            f" {count(images, 'image')}; the first is {first} in {' and '.join(shared[first])}",
            {"patients": shared.to_dict()},
        )


class UnknownPatients(Check):
    name = "unknown patients"
    kind = "leak"
    severity = WARN
    explanation = "A patient may be in train and test unnoticed. Report the split as image-level."

    def find(self, data: AuditData) -> Findings:
        if unknown := int(data.records["patient"].eq("").sum()):
            yield self.finding(
                f"{unknown:,} of {len(data.records):,} images have no patient id",
                {"images": unknown},
            )


def read_accepted(path: Path) -> list[Pair]:
    """Read pairs of near duplicates already reviewed from a CSV with the columns first, second.

    Raises:
        InputError: the file cannot be read, or a column is missing.
    """
    return [(row["first"], row["second"]) for _, row in read_csv(path, ["first", "second"])]
