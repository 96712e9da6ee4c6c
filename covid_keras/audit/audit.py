"""One audit, from a data set's folder to its findings."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from covid_keras.audit import inventory, labels, leaks
from covid_keras.audit.findings import FAIL, NOTE, WARN, Finding
from covid_keras.audit.inventory import Inventory
from covid_keras.audit.near import near_pairs
from covid_keras.audit.scan import Scan, scan
from covid_keras.datasets import catalogue
from covid_keras.datasets.attributes import attributes
from covid_keras.datasets.label_files import SPLITS
from covid_keras.datasets.packed import stamp as packed_stamp
from covid_keras.datasets.records import classes_of, image_root, load_records
from covid_keras.datasets.splits import make_split
from covid_keras.evaluation import baselines
from covid_keras.evaluation.baselines import Baseline
from covid_keras.utils.errors import InputError

STRONG = 0.8
"""A rule that never sees the lungs and whose balanced accuracy reaches this is a warning."""


@dataclass(frozen=True)
class Audit:
    """What was found in one data set."""

    name: str
    root: Path
    classes: tuple[str, ...]
    counts: pd.DataFrame
    """Images: splits by classes."""
    patients: dict[str, int]
    """Split to the number of patient ids; images without one are not counted."""
    drawn: bool
    """Whether the split was drawn here, because the data set comes without one."""
    read: int
    """Images that were read; 0 where only labels were there."""
    findings: tuple[Finding, ...]
    """The most serious first."""
    inventory: tuple[Inventory, ...]
    baselines: tuple[Baseline, ...]

    @property
    def failed(self) -> bool:
        """Whether a finding makes scores on this split meaningless."""
        return any(finding.weight == FAIL for finding in self.findings)


def audit(
    name: str,
    root: Path,
    parts: Path,
    *,
    splits: Sequence[str] | None = None,
    accepted: Collection[tuple[str, str]] = (),
    seed: int = 0,
) -> Audit:
    """Look for what a score on this data set could be made of, beside disease.

    Args:
        name: a name of the catalogue.
        root: the data set's folder. Where none of its images is there, the labels are audited.
        parts: folder where what was read is kept, so that a stopped audit goes on.
        splits: published splits to look at, where label files of others are missing; None is all.
        accepted: pairs of images that look alike and were accepted by a person.
        seed: of the split, where one has to be drawn, and of the baselines.

    Raises:
        InputError: unknown data set, no such folder, a bad label line, or a packed data set.
    """
    if packed_stamp(image_root(root)):
        raise InputError(
            f"{root}: expected the original, whose files say what could give a class away."
            " Received: a data set that was packed"
        )
    card = catalogue.get(name)
    records = load_records(name, root, splits)
    classes = classes_of(name, records)
    found = labels.counts(records, card)
    drawn = bool(records["split"].eq("").any())
    if drawn:
        records = make_split(records, rule=card.split, seed=seed)
    known = attributes(name, root, records)
    found += leaks.shared_patients(records) + no_patients(records)
    found += labels.two_labels(records) + labels.machine_labels(records, known)
    found += inventory.one_source(records)
    read = _scan(records, image_root(root), parts)
    if read is None:
        found.append(_labels_only(len(records)))
        pictured, table = records, inventory.properties(records, known, None)
    else:
        found += _unreadable(read)
        places = _places(records, read)
        pictured = records.iloc[places].reset_index(drop=True)
        table = inventory.properties(
            pictured, known.iloc[places].reset_index(drop=True), read.table
        )
        pixels = read.table["pixels"]
        found += leaks.equal_pixels(pictured, pixels)
        pairs = near_pairs(read.perceptual, read.thumbnails)
        found += leaks.near_duplicates(pictured, pairs, pixels, accepted)
    rules = []
    if _can_be_scored(pictured, classes):
        rules += baselines.metadata_baselines(table, pictured, classes, seed)
        if read is not None:
            rules += baselines.thumbnail_baselines(read.thumbnails, pictured, classes, seed)
    found += strong_rules(rules)
    weights = (FAIL, WARN, NOTE)
    present = [split for split in SPLITS if split in set(records["split"])]
    identified = records[records["patient"] != ""].groupby("split")["patient"].nunique()
    return Audit(
        name=name,
        root=Path(root),
        classes=classes,
        counts=pd.crosstab(records["split"], records["label"]).loc[present, list(classes)],
        patients={split: int(identified.get(split, 0)) for split in present},
        drawn=drawn,
        read=0 if read is None else len(read.table),
        findings=tuple(sorted(found, key=lambda finding: weights.index(finding.weight))),
        inventory=tuple(inventory.inventory(table, pictured["label"])),
        baselines=tuple(rules),
    )


def no_patients(records: pd.DataFrame) -> list[Finding]:
    """Images without a patient id: every split of them is an image-level split."""
    unknown = int(records["patient"].eq("").sum())
    if not unknown:
        return []
    return [
        Finding(
            "leak",
            WARN,
            f"{unknown:,} of {len(records):,} images have no patient id: one patient may be in"
            " train and test, and nobody can tell",
            {"images": unknown},
        )
    ]


def strong_rules(rules: list[Baseline]) -> list[Finding]:
    """Rules that never see the lungs and are right far more often than chance."""
    return [
        Finding(
            "shortcut",
            WARN,
            f"a rule that reads only {rule.name} is right in {rule.right:,} of {rule.images:,}"
            f" test images (balanced accuracy {100 * rule.balanced:.1f} %)",
            {"rule": rule.name, "right": rule.right, "images": rule.images},
        )
        for rule in rules
        if rule.balanced >= STRONG and rule.blind
    ]


def _labels_only(images: int) -> Finding:
    return Finding("file", NOTE, f"none of {images:,} images is there: only labels were audited")


def _places(records: pd.DataFrame, read: Scan) -> list[int]:
    """The rows of `records`, by position, in the order of the images that were read."""
    first = {image: place for place, image in reversed(list(enumerate(records["image"])))}
    return [first[image] for image in read.table["image"]]


def _can_be_scored(records: pd.DataFrame, classes: Sequence[str]) -> bool:
    """Whether train and test have images of every class."""
    return all(
        set(records.loc[records["split"] == split, "label"]) == set(classes)
        for split in ("train", "test")
    )


def _scan(records: pd.DataFrame, root: Path, parts: Path) -> Scan | None:
    images = records["image"].drop_duplicates().tolist()
    if not any((root / image).is_file() for image in images):
        return None
    return scan(images, root, parts)


def _unreadable(read: Scan) -> list[Finding]:
    if not read.unreadable:
        return []
    return [
        Finding(
            "file",
            FAIL,
            f"{len(read.unreadable):,} images cannot be read; the first: {read.unreadable[0]}",
            {"images": list(read.unreadable)},
        )
    ]
