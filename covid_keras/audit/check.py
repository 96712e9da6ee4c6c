"""The data that an audit's checks read, the checks, and the findings that they yield."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from covid_keras.audit.scan import Scan
from covid_keras.datasets.card import Card
from covid_keras.evaluation.baselines import Baseline
from covid_keras.utils.text import count

FAIL, WARN, NOTE = SEVERITIES = ("fail", "warn", "note")
"""fail: invalidates scores on this split. warn: has to be looked at. note: report with scores."""
DRAWN = "split drawn by the audit"
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
    split: str
    """Whose split it is, in words; `DRAWN` where the data set comes without one."""
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


class Problem(NamedTuple):
    """What a check yields."""

    text: str
    """What was found, in one sentence with numbers."""
    evidence: Mapping[str, object]
    """JSON values: names of patients or images, counts, scores."""
    pairs: tuple[Pair, ...] = ()
    """Images to compare side by side."""
    severity: str = ""
    """Empty for that of the check."""


Problems = Iterator[Problem]


@dataclass(frozen=True)
class Finding:
    """One problem in a dataset, with what it means and what to do; see `Problem` and `Check`."""

    name: str
    kind: str
    severity: str
    text: str
    explanation: str
    evidence: Mapping[str, object]
    pairs: tuple[Pair, ...] = ()


@dataclass(frozen=True)
class Check:
    """One kind of problem and the function that finds it; made by `check`."""

    name: str
    """That of the function, such as "shared patients"."""
    kind: str
    severity: str
    explanation: str
    problems: Callable[[AuditData], Problems]

    def find(self, data: AuditData) -> Iterator[Finding]:
        """Yield a finding for each problem in the dataset."""
        for text, evidence, pairs, severity in self.problems(data):
            severity = severity or self.severity
            yield Finding(self.name, self.kind, severity, text, self.explanation, evidence, pairs)


def check(
    kind: str, severity: str, explanation: str
) -> Callable[[Callable[[AuditData], Problems]], Check]:
    """Return a decorator that makes a function from data to problems a check.

    Args:
        kind: one of `KINDS`.
        severity: one of `SEVERITIES`.
        explanation: what the problem means and what to do, in sentences.
    """
    return lambda problems: Check(
        problems.__name__.replace("_", " "), kind, severity, explanation, problems
    )


def pair_problems(data: AuditData, pairs: np.ndarray, what: str) -> Problems:
    """Yield one problem each for pairs across splits, across classes and within a split.

    Only pairs across splits have the severity of the check; all others are warnings.

    Args:
        pairs: int (M, 2), positions in `data.scanned`.
        what: how the images of a pair are related, such as "with equal pixels".
    """
    split, label = (~equal(data.scanned[column], pairs) for column in ("split", "label"))
    groups = {"across splits": split, "across classes": label & ~split}
    for where, chosen in (groups | {"within a split": ~(split | label)}).items():
        if paths := data.scanned["image"].to_numpy()[pairs[chosen]].tolist():
            yield Problem(
                f"{count(len(paths), 'pair')} of images {what} {where};"
                f" the first is {' and '.join(paths[0])}",
                {"pairs": len(paths)},
                tuple(map(tuple, paths)),
                "" if where == "across splits" else WARN,
            )


def equal(column: pd.Series, pairs: np.ndarray) -> np.ndarray:
    """Return bool (M,): whether the rows of each pair of positions (M, 2) have the same value."""
    return np.equal(*column.to_numpy()[pairs].T).astype(bool)
