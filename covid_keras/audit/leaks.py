"""Leaks: what is in more than one split, by patient, by pixel and by looks."""

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd

from covid_keras.audit.findings import FAIL, WARN, Finding
from covid_keras.datasets.label_files import read_csv

Pair = tuple[str, str]


def read_accepted(path: Path) -> list[Pair]:
    """Pairs of images from a CSV with the columns first and second.

    Raises:
        InputError: it cannot be read, or a column is missing.
    """
    return [(row["first"], row["second"]) for _, row in read_csv(path, ["first", "second"])]


def shared_patients(records: pd.DataFrame) -> list[Finding]:
    """A patient in several splits fails."""
    shared = patients_with_several(records, "split")
    if shared.empty:
        return []
    images = int(records["patient"].isin(shared.index).sum())
    first = shared.index[0]
    return [
        Finding(
            "leak",
            FAIL,
            f"{_count(len(shared), 'patient')} in several splits, with {_count(images, 'image')};"
            f" the first is {first} in {' and '.join(shared[first])}",
            {"patients": {name: list(where) for name, where in shared.items()}},
        )
    ]


def patients_with_several(records: pd.DataFrame, column: str) -> pd.Series:
    """Patient id to the sorted values of `column`, of patients with more than one of them."""
    known = records[records["patient"] != ""]
    values = known.groupby("patient")[column].agg(lambda found: sorted(set(found)))
    return values[values.map(len) > 1]


def equal_pixels(records: pd.DataFrame, pixels: pd.Series) -> list[Finding]:
    """Images with the same pixels: across splits fails, across classes or within a split warns.

    Args:
        records: of the images that could be read.
        pixels: their pixel hashes, in the same order.
    """
    table = records.assign(pixels=pixels.to_numpy())
    copies = table[table["pixels"].duplicated(keep=False)]
    groups = [group for _, group in copies.groupby("pixels", sort=False)]
    pairs = [_pairs_of(group) for group in groups]
    return _weighed(records, [pair for each in pairs for pair in each], "with equal pixels", FAIL)


def near_duplicates(
    records: pd.DataFrame, pairs: np.ndarray, pixels: pd.Series, accepted: Collection[Pair] = ()
) -> list[Finding]:
    """Images that look alike without being equal; never more than a warning.

    Pairs of one patient within one split and class are what CT is made of, and are left out.

    Args:
        records: of the images that could be read.
        pairs: (M, 2) positions in `records`, from `near.near_pairs`.
        pixels: pixel hashes in the same order; equal ones are `equal_pixels`' business.
        accepted: pairs that a person has looked at and accepted.
    """
    accepted = {frozenset(pair) for pair in accepted}
    images, hashes = records["image"].to_numpy(), pixels.to_numpy()
    alike = [
        (images[a], images[b])
        for a, b in pairs
        if hashes[a] != hashes[b]
        and not _one_scan(records.iloc[a], records.iloc[b])
        and frozenset((images[a], images[b])) not in accepted
    ]
    return _weighed(records, alike, "that look alike", WARN)


def _weighed(records: pd.DataFrame, pairs: list[Pair], what: str, across: str) -> list[Finding]:
    """One finding for pairs across splits, one across classes in a split, one for the others."""
    rows = records.drop_duplicates("image").set_index("image")[["split", "label"]]
    kinds: dict[str, list[Pair]] = {"across splits": [], "across classes": [], "within a split": []}
    for first, second in pairs:
        a, b = rows.loc[first], rows.loc[second]
        if a["split"] != b["split"]:
            kinds["across splits"].append((first, second))
        elif a["label"] != b["label"]:
            kinds["across classes"].append((first, second))
        else:
            kinds["within a split"].append((first, second))
    return [
        Finding(
            "leak",
            across if kind == "across splits" else WARN,
            f"{_count(len(found), 'pair')} of images {what} {kind};"
            f" the first is {found[0][0]} and {found[0][1]}",
            {"pairs": len(found)},
            tuple(found),
        )
        for kind, found in kinds.items()
        if found
    ]


def _pairs_of(group: pd.DataFrame) -> list[Pair]:
    """The group's first image with each other: one of them is across splits if any two are."""
    first, *others = group["image"]
    return [(first, other) for other in others]


def _one_scan(a: pd.Series, b: pd.Series) -> bool:
    same = all(a[column] == b[column] for column in ("patient", "split", "label"))
    return same and a["patient"] != ""


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("" if number == 1 else "s")
