"""What a study is, as data: its runs, and the table that they fill."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Trial:
    """One run of a study."""

    row: str
    """The row of the table that it counts for, as "ResNet18, random"."""
    member: str
    """Which of the row's runs it is, as "fold_0" or "seed_1"."""
    settings: Mapping[str, object]
    """What differs from the recipe, {"model.name": "resnet18", ...}."""
    weights: str = ""
    """First weights, as `--weights` takes them; empty for random."""
    seed: int = 0

    @property
    def folder(self) -> Path:
        """Of the run, relative to the study's."""
        return Path(re.sub(r"[^a-z0-9.]+", "-", self.row.lower()).strip("-")) / self.member


@dataclass(frozen=True)
class Column:
    """A column of the table: a metric of the test images."""

    title: str
    metric: str
    """accuracy, macro_f1 or macro_auc; or, with `label`, sensitivity, ppv, specificity, npv, f1
    or auc."""
    label: int | None = None
    """Number of the class that a metric of one class is for; -1 is the last, the positive one."""
    split: str = "test"
    at: str = ""
    """at_threshold or patient_level instead of each image at 0.5, see `evaluation.beyond`."""


@dataclass(frozen=True)
class Study:
    """Runs of one recipe and the table that compares them with the paper's."""

    name: str
    """Of its folder, where none is given."""
    title: str
    recipe: str
    trials: tuple[Trial, ...]
    columns: tuple[Column, ...]
    spread: str
    """How a cell sums up its runs: "mean (std)" or "median [min, max]"."""
    paper: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """{row: the paper's cells}, in the order of `columns`; "" where the paper gives none."""
    notes: tuple[str, ...] = ()
    """Sentences below the table: what differs from the paper."""

    @property
    def rows(self) -> tuple[str, ...]:
        """Rows of the table, in the order of the trials."""
        return tuple(dict.fromkeys(trial.row for trial in self.trials))
