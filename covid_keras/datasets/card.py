"""A data set that documents itself: what it is, how many, who labelled it, where it comes from."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Download:
    """One file that can be fetched directly and checked."""

    path: str
    """Where it goes, relative to the data set's root."""
    url: str
    sha256: str


@dataclass(frozen=True)
class Card:
    """What is known about one data set. Unknown is `{}` or "not stated", never a guess."""

    name: str
    """The name that every command and `load_records` take."""
    title: str
    modality: str
    """ct, xray or any."""
    classes: tuple[str, ...]
    """Class order everywhere downstream; empty where the user's own folders name the classes."""
    reader: str
    """Module of `covid_keras.data` whose `read` makes the records."""
    split: str
    """Split used by default: official (as published) or holdout (drawn here)."""
    splits: tuple[str, ...] = ()
    """The published splits, () where there are none."""
    has_patients: bool = False
    """Whether a patient id is known for every image."""
    images: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Split ("" where there is none) to the number of images, in the order of `classes`."""
    patients: Mapping[str, int] = field(default_factory=dict)
    """Split to the number of patients."""
    labelled_by: str = "not stated"
    licence: str = "not stated"
    homepage: str = ""
    citation: str = "not stated"
    notes: str = ""
    """Sources, and what to know before trusting a result on this set."""
    label_files: tuple[str, ...] = ()
    """File names to look for, the best first; `{split}` is filled in."""
    image_folders: tuple[str, ...] = ()
    """Folders under the root that may hold the images; the first is the usual one."""
    downloads: tuple[Download, ...] = ()
    kaggle: str = ""
    """Kaggle handle, as kagglehub takes it."""
    instruction: str = ""
    """What a person has to do where a program cannot fetch the data."""

    def counts(self, split: str) -> dict[str, int]:
        """Published number of images a class; {} where not known."""
        if split not in self.images:
            return {}
        return dict(zip(self.classes, self.images[split], strict=True))

    def line(self) -> str:
        """One line for the list of data sets."""
        images = f"{sum(map(sum, self.images.values())):,} images" if self.images else ""
        return f"{self.name:<18}{self.modality:<6}{images:>15}  {self.title}"

    def __str__(self) -> str:
        """The whole card, for reading on a terminal."""
        facts = {
            "modality": {"ct": "chest CT slices", "xray": "chest X-rays"}.get(self.modality, "any"),
            "classes": ", ".join(self.classes) or "named by the class folders or the CSV",
            "default split": {
                "official": "official",
                "holdout": "hold-out, stratified by class, grouped by patient where ids exist",
            }[self.split],
            "patient ids": "yes" if self.has_patients else "no, or not for every image",
            "labelled by": self.labelled_by,
            "licence": self.licence,
            "homepage": self.homepage or "none",
            "citation": self.citation,
            "notes": self.notes or "none",
        }
        lines = [f"{self.name}: {self.title}"]
        lines += [f"  {key:<14}{value}" for key, value in facts.items()]
        return "\n".join([*lines, *self._count_table()])

    def _count_table(self) -> list[str]:
        if not self.images:
            return ["  images        not stated"]
        header = ["images", *self.classes, "total", "patients"]
        rows = [
            [
                split or "all",
                *map(str, counts),
                str(sum(counts)),
                str(self.patients.get(split, "?")),
            ]
            for split, counts in self.images.items()
        ]
        widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
        return [
            "  " + "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
            for row in [header, *rows]
        ]
