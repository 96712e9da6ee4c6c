"""Findings of an audit, the checks that make them, and the data that checks read."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import ClassVar

import pandas as pd

from covid_keras.audit.scan import Scan
from covid_keras.datasets.card import Card
from covid_keras.evaluation.baselines import Baseline

FAIL, WARN, NOTE = SEVERITIES = ("fail", "warn", "note")
"""fail: invalidates scores on this split. warn: has to be looked at. note: report with scores."""

KINDS = ("file", "leak", "label", "shortcut")

Pair = tuple[str, str]
"""Paths of two images, relative to the dataset's folder."""


@dataclass(frozen=True)
class Finding:
    """One problem in a dataset."""

    name: str
    """Of the check, such as "shared patients"."""
    kind: str
    """One of `KINDS`."""
    severity: str
    """fail, warn or note."""
    text: str
    """What was found, in one sentence with numbers."""
    explanation: str
    """What it means, and what to do."""
    evidence: Mapping[str, object]
    """JSON values: names of patients or images, counts, scores."""
    pairs: tuple[Pair, ...] = ()
    """Images to compare side by side."""

    def to_json(self) -> dict:
        """Return plain JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class AuditData:
    """One dataset, prepared for the checks. Tables must not be changed."""

    card: Card
    classes: tuple[str, ...]
    records: pd.DataFrame
    """One row an image, each with a split."""
    attributes: pd.DataFrame
    """One row for each of `records`, from `covid_keras.datasets.attributes`."""
    scan: Scan | None
    """What was read from the files; None if no file exists."""
    scanned: pd.DataFrame
    """One record for each image of `scan`, in its order; `records` if there is no scan."""
    properties: pd.DataFrame
    """One row for each of `scanned`, from `covid_keras.evaluation.properties`."""
    baselines: Sequence[Baseline]
    """Empty if train or test lacks a class."""
    accepted: frozenset[frozenset[str]]
    """Pairs of near duplicates that a person has reviewed."""

    def patients_with_several(self, column: str) -> pd.Series:
        """Return {patient id: sorted values of `column`} of patients with more than one value."""
        known = self.records[self.records["patient"] != ""]
        values = known.groupby("patient")[column].agg(lambda group: sorted(set(group)))
        return values[values.map(len) > 1]


class Check(ABC):
    """One kind of problem and how to find it. Subclass it in a module of `audit/findings`."""

    name: ClassVar[str]
    kind: ClassVar[str]
    severity: ClassVar[str]
    """Of its findings, unless `find` says otherwise for one of them."""
    explanation: ClassVar[str]

    @abstractmethod
    def find(self, data: AuditData) -> Iterator[Finding]:
        """Yield a finding for each problem in the dataset."""

    def finding(
        self,
        text: str,
        evidence: Mapping[str, object],
        *,
        pairs: Sequence[Pair] = (),
        severity: str | None = None,
    ) -> Finding:
        """Return a finding of this check."""
        severity = severity or self.severity
        return Finding(
            self.name, self.kind, severity, text, self.explanation, evidence, tuple(pairs)
        )
