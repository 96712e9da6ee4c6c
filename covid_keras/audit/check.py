"""The data that an audit's checks read, the checks, and the findings that they yield."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd

from covid_keras.audit.scan import Scan
from covid_keras.datasets.card import Card
from covid_keras.evaluation.baselines import Baseline
from covid_keras.utils.text import count

FAIL, WARN, NOTE = SEVERITIES = ("fail", "warn", "note")
"""fail: invalidates scores on this split. warn: has to be looked at. note: report with scores."""
KINDS = ("file", "leak", "label", "shortcut")

Pair = tuple[str, str]
"""Paths of two images, relative to the data set's folder."""


@dataclass(frozen=True)
class AuditData:
    """One dataset, prepared for the checks. Its tables must not be changed."""

    root: Path
    card: Card
    classes: tuple[str, ...]
    records: pd.DataFrame
    """One row per image, each with a split."""
    drawn: bool
    """Whether the audit drew the split because the data set comes without one."""
    attributes: pd.DataFrame
    """One row for each of `records`, from `covid_keras.datasets.attributes`."""
    scan: Scan | None
    """What was read from the files; None if no file exists."""
    scanned: pd.DataFrame
    """One record for each image of `scan`, in its order; `records` if there is no scan."""
    properties: pd.DataFrame
    """One row for each of `scanned`, from `covid_keras.evaluation.baselines`."""
    baselines: Sequence[Baseline]
    """Empty if train or test lacks a class."""
    accepted: frozenset[frozenset[str]]
    """Pairs of near duplicates that a person has reviewed."""

    def patients_with_several(self, column: str) -> pd.Series:
        """Return {patient id: sorted values of `column`} of patients with more than one value."""
        known = self.records[self.records["patient"] != ""]
        values = known.groupby("patient")[column].agg(lambda group: sorted(set(group)))
        return values[values.map(len) > 1]


@dataclass(frozen=True)
class Finding:
    """One problem in a dataset."""

    name: str
    """Of the check, such as "shared patients"."""
    kind: str
    severity: str
    text: str
    """What was found, in one sentence with numbers."""
    explanation: str
    """What it means, and what to do."""
    evidence: Mapping[str, object]
    """JSON values: names of patients or images, counts, scores."""
    pairs: tuple[Pair, ...] = ()
    """Images to compare side by side."""


Findings = Iterator[Finding]


class Check(ABC):
    """One kind of problem and how to find it; a subclass is a module of `audit/findings`."""

    name: ClassVar[str]
    kind: ClassVar[str]
    severity: ClassVar[str]
    """Of its findings, unless `find` gives one of them another."""
    explanation: ClassVar[str]

    @abstractmethod
    def find(self, data: AuditData) -> Findings:
        """Yield a finding for each problem in the dataset."""

    def finding(
        self, text: str, evidence: Mapping, pairs: tuple[Pair, ...] = (), severity: str = ""
    ) -> Finding:
        """Return a finding of this check."""
        severity = severity or self.severity
        return Finding(self.name, self.kind, severity, text, self.explanation, evidence, pairs)


class PairCheck(Check):
    """A check of pairs; its severity is that of pairs across splits, all others are warnings."""

    what: ClassVar[str]
    """How the images of a pair are related, such as "with equal pixels"."""

    @abstractmethod
    def pairs(self, data: AuditData) -> np.ndarray:
        """Return int (M, 2): positions in `data.scanned`."""

    def find(self, data: AuditData) -> Findings:
        """Yield one finding each for pairs across splits, across classes and within a split."""
        if data.scan is None:
            return
        pairs = self.pairs(data)
        split, label = (~equal(data.scanned[column], pairs) for column in ("split", "label"))
        groups = {"across splits": split, "across classes": label & ~split}
        for where, chosen in (groups | {"within a split": ~(split | label)}).items():
            if paths := data.scanned["image"].to_numpy()[pairs[chosen]].tolist():
                yield self.finding(
                    f"{count(len(paths), 'pair')} of images {self.what} {where};"
                    f" the first is {' and '.join(paths[0])}",
                    {"pairs": len(paths)},
                    tuple(map(tuple, paths)),
                    self.severity if where == "across splits" else WARN,
                )


def equal(column: pd.Series, pairs: np.ndarray) -> np.ndarray:
    """Return bool (M,): whether the rows of each pair of positions (M, 2) have the same value."""
    return np.equal(*column.to_numpy()[pairs].T).astype(bool)
