"""Describe a study as data: its runs, the images they use, and the table that they fill."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from covid_keras import recipes
from covid_keras.models import registry
from covid_keras.recipes import config
from covid_keras.recipes.config import Recipe
from covid_keras.recipes.published import Published

POSITIVE = ""
"""Stands for the positive class, the last."""


@dataclass(frozen=True)
class Trial:
    """One run of a study."""

    row: str
    """Its row in the table, such as "ResNet18, random"."""
    settings: Mapping[str, object]
    """What differs from the recipe, {"model.name": "resnet18", ...}."""
    weights: str | None = None
    """Initial weights, as `covid_keras.train` takes them; None is the recipe's."""
    seed: int = 0
    fold: int | None = None
    """The fold that is the test split; None without folds."""
    several_seeds: bool = False
    """Whether the row has folds of several seeds, in one folder per seed."""

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
    """A column of the table: one metric."""

    title: str
    metric: str
    """A key of `metrics.scores.OVERALL`; with `label` one of `metrics.scores.METRICS`."""
    label: str | None = None
    """The class of a per-class metric, or `POSITIVE`."""
    split: str = "test"
    at: str = ""
    """at_threshold or patient_level; empty for single images and the most probable class."""

    def place(self, classes: Sequence[str]) -> int:
        """Return which of the classes a per-class metric is of."""
        return classes.index(self.label) if self.label else len(classes) - 1


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
    published: Published | None = None
    """What is published; its rows and columns have the names of the study's where they match."""
    reference: str = ""
    """The row that the others are compared with; empty is the first."""

    @property
    def rows(self) -> dict[str, list[Trial]]:
        """The trials of each row of the table."""
        rows = dict.fromkeys(trial.row for trial in self.trials)
        return {row: [trial for trial in self.trials if trial.row == row] for row in rows}


@dataclass(frozen=True)
class Source:
    """The data set and the settings of all runs of a study."""

    dataset: str = ""
    """Empty for the recipe's."""
    data: Path | None = None
    """None for the built-in phantom."""
    quick: bool = False
    """Whether to shrink the recipe for a CPU."""
    settings: Mapping[str, object] = field(default_factory=dict)
    """Settings of the user, which override those of the trials."""
    outside: Path | None = None
    """Other images; the first run of each row predicts them and draws their Grad-CAM maps."""


def recipe_of(study: Study, trial: Trial, source: Source, phantom: bool = False) -> Recipe:
    """Return the recipe of one run, with its sides in pixels but its steps not settled.

    `phantom`: whether it runs on the recipe's phantom.
    """
    published = recipes.get(study.recipe)
    default = published.phantom["data.dataset"] if phantom else published.data.dataset
    named = {"data.dataset": source.dataset or default}
    settings = {**trial.all_settings, **source.settings}
    given = {"weights": trial.weights, "quick": source.quick, "seed": trial.seed}
    recipe = recipes.configured(study.recipe, named, settings, **given)
    return config.sized(recipe, registry.get(recipe.model.name).input_size)


def kept_note(study: Study, source: Source) -> str:
    """Return which step's weights the runs test, beside what the paper says of it."""
    recipe = recipe_of(study, study.trials[0], source, phantom=source.data is None)
    training, val = recipe.training, recipe.data.val
    if criterion := training.best_by.replace("_", " "):
        which = f"the weights that are best on val, by {criterion}"
    else:
        which = "the weights of the last step"
    threshold = "" if val else "; no image is drawn as val, and the threshold is 0.5"
    return f"Tested: {which}{threshold}; {recipes.TABLES[study.recipe]['tested']}."


def changes(study: Study, source: Source) -> list[str]:
    """Return how all runs differ from the paper's, as ["training.epochs=10 (paper: 100)"]."""
    phantom = source.data is None
    first, *others = (recipe_of(study, trial, source, phantom).changes for trial in study.trials)
    return [change for change in first if all(change in other for other in others)]


def named_weights(given: Sequence[str]) -> dict[str, str]:
    """Return {name in the table: initial weights} of names, files and "NAME=FILE"."""
    pairs = (entry.split("=", 1) if "=" in entry else (Path(entry).name, entry) for entry in given)
    return dict(pairs)
