"""Images with equal grey pixels, whatever their file format."""

import numpy as np

from covid_keras.audit.check import FAIL, AuditData, PairCheck


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
