"""The card of a data set: what it is, how many images, who labelled them, where to get it."""

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from covid_keras.datasets.label_files import OnProblem, Row
from covid_keras.utils.text import text_table

Reader = Callable[["Card", Path, Sequence[str], OnProblem], list[Row]]
"""Reads the rows of the given splits in a folder; problems go to the last argument."""

_MODALITIES = {"ct": "chest CT slices", "xray": "chest X-rays", "any": "any"}
_RULES = {
    "official": "official",
    "holdout": "hold-out, stratified by class, grouped by patient where ids exist",
}


@dataclass(frozen=True)
class Download:
    """One file that can be downloaded and checked."""

    path: str
    """Where it goes, relative to the data set's folder."""
    url: str
    sha256: str


@dataclass(frozen=True)
class Card:
    """All that is known of one data set. Unknown values are empty or "not stated"."""

    name: str
    """As in every command and in `load_records`."""
    title: str
    modality: str
    """ct, xray or any."""
    classes: tuple[str, ...]
    """In the order of the labels' numbers; empty if the user's folders or CSV name them."""
    read: Reader
    split: str
    """The default split rule: official (as published) or holdout (drawn here)."""
    splits: tuple[str, ...] = ()
    """The published splits."""
    has_patients: bool = False
    """Whether every image has a patient id."""
    images: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """{split ("" without splits): images of each class, in the order of `classes`}."""
    patients: Mapping[str, int] = field(default_factory=dict)
    """{split: patients}."""
    labelled_by: str = "not stated"
    licence: str = "not stated"
    homepage: str = ""
    citation: str = "not stated"
    notes: str = ""
    """Sources, and what to know before trusting a result."""
    label_files: tuple[str, ...] = ()
    """File names to look for, in this order; `{split}` is filled in."""
    class_folders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """{class: other names of its folder, in the sources}; capitals do not count."""
    image_folders: tuple[str, ...] = ()
    """Folders that may hold the images; the first is the usual one."""
    patient_table: tuple[str, ...] = ()
    """Names of a CSV with age, sex and more of each patient."""
    downloads: tuple[Download, ...] = ()
    kaggle: str = ""
    """Kaggle handle, as kagglehub takes it."""
    instruction: str = ""
    """How to get what cannot be downloaded automatically."""

    def counts(self, split: str) -> dict[str, int]:
        """Return the published number of images of each class; {} if not known."""
        images = self.images.get(split, ())
        return dict(zip(self.classes, images, strict=True)) if images else {}

    def line(self) -> str:
        """Return the line of the list of data sets."""
        images = f"{sum(map(sum, self.images.values())):,} images" if self.images else ""
        return f"{self.name:<18}{self.modality:<6}{images:>15}  {self.title}"

    def __str__(self) -> str:
        facts = {
            "modality": _MODALITIES[self.modality],
            "classes": ", ".join(self.classes) or "named by the class folders or the CSV",
            "default split": _RULES[self.split],
            "patient ids": "yes" if self.has_patients else "no, or not for every image",
            "labelled by": self.labelled_by,
            "licence": self.licence,
            "homepage": self.homepage or "none",
            "citation": self.citation,
            "notes": self.notes or "none",
        } | ({} if self.images else {"images": "not stated"})
        fill = textwrap.TextWrapper(100, subsequent_indent=" " * 16).fill
        lines = [f"{self.name}: {self.title}"]
        lines += [fill(f"  {key:<14}{value}") for key, value in facts.items()]
        rows = [["images", *self.classes, "total", "patients"]] if self.images else []
        for split, counts in self.images.items():
            numbers = [*counts, sum(counts), self.patients.get(split, "?")]
            rows.append([split or "all", *map(str, numbers)])
        return "\n".join([*lines, *(f"  {line}" for line in text_table(rows))])
