"""Describe a study as data: its runs, and the table that they fill."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Trial:
    """One run of a study."""

    row: str
    """The row of the table that the run belongs to, as "ResNet18, random"."""
    settings: Mapping[str, object]
    """What differs from the recipe, {"model.name": "resnet18", ...}."""
    weights: str = ""
    """First weights, as `covid_keras.train` takes them; empty for random."""
    seed: int = 0
    fold: int | None = None
    """The fold that is the test split; None without folds."""
    several_seeds: bool = False
    """Whether the row has folds of several seeds, which then lie in one folder per seed."""

    @property
    def all_settings(self) -> dict[str, object]:
        """`settings`, with the fold."""
        return dict(self.settings) | ({} if self.fold is None else {"data.fold": self.fold})

    @property
    def folder(self) -> Path:
        """The run's folder inside the study's: the row, then seed_N, fold_N or seed_N/fold_N."""
        row = Path(re.sub(r"[^a-z0-9.]+", "-", self.row.lower()).strip("-"))
        if self.fold is None:
            return row / f"seed_{self.seed}"
        return (row / f"seed_{self.seed}" if self.several_seeds else row) / f"fold_{self.fold}"


@dataclass(frozen=True)
class Column:
    """A column of the table: one metric of the test images."""

    title: str
    metric: str
    """accuracy, macro_f1 or macro_auc; with `label` sensitivity, ppv, specificity, npv, f1 or
    auc."""
    label: int | None = None
    """Index of the class of a per-class metric; -1 for the last, the positive one."""
    split: str = "test"
    at: str = ""
    """at_threshold or patient_level; empty for single images at 0.5."""


@dataclass(frozen=True)
class Study:
    """Runs of one recipe and the table that compares them with the paper's."""

    name: str
    """Default name of its folder."""
    title: str
    recipe: str
    trials: tuple[Trial, ...]
    columns: tuple[Column, ...]
    spread: str
    """How a cell summarises its runs: "mean (std)" or "median [min, max]"."""
    paper: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """{row: the paper's cells}, in the order of `columns`; "" where the paper reports none."""
    notes: tuple[str, ...] = ()
    """Sentences below the table: what differs from the paper."""

    @property
    def rows(self) -> tuple[str, ...]:
        """Rows of the table, in the order of the trials."""
        return tuple(dict.fromkeys(trial.row for trial in self.trials))
