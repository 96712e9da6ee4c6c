"""Checks whose findings are pairs of images."""

from abc import abstractmethod

import numpy as np

from covid_keras.audit.check import WARN, AuditData, Check, Findings
from covid_keras.utils.text import count


class PairCheck(Check):
    """A check of pairs; its severity is that of pairs across splits, all others are warnings."""

    what: str
    """How the images of a pair are related, such as "with equal pixels"."""

    @abstractmethod
    def pairs(self, data: AuditData) -> np.ndarray:
        """Return int (M, 2): positions in `data.scanned`."""

    def find(self, data: AuditData) -> Findings:
        """Yield one finding each for pairs across splits, across classes and within a split."""
        if data.scan is None:
            return
        first, second = (data.scanned.iloc[side] for side in self.pairs(data).T)
        split, label = (first[c].to_numpy() != second[c].to_numpy() for c in ("split", "label"))
        for where, chosen in (
            ("across splits", split),
            ("across classes", ~split & label),
            ("within a split", ~split & ~label),
        ):
            images = [table["image"].to_numpy()[chosen].tolist() for table in (first, second)]
            if paths := list(zip(*images, strict=True)):
                yield self.finding(
                    f"{count(len(paths), 'pair')} of images {self.what} {where};"
                    f" the first is {' and '.join(paths[0])}",
                    {"pairs": len(paths)},
                    pairs=paths,
                    severity=self.severity if where == "across splits" else WARN,
                )
