"""Labels that cannot be right, that a machine made, or that are not as many as published."""

import pandas as pd

from covid_keras.audit.findings import NOTE, WARN, Finding
from covid_keras.audit.leaks import patients_with_several
from covid_keras.datasets.card import Card

MACHINE = "Automatic"
"""What COVIDx CT's metadata says of slices that an earlier network picked."""


def two_labels(records: pd.DataFrame) -> list[Finding]:
    """Patients whose images carry more than one label."""
    several = patients_with_several(records, "label")
    if several.empty:
        return []
    patients = records.loc[records["patient"] != "", "patient"].nunique()
    first = several.index[0]
    return [
        Finding(
            "label",
            WARN,
            f"{len(several):,} of {patients:,} patients carry more than one label;"
            f" the first is {first}: {' and '.join(several[first])}",
            {"patients": {name: list(found) for name, found in several.items()}},
        )
    ]


def machine_labels(records: pd.DataFrame, attributes: pd.DataFrame) -> list[Finding]:
    """Samples picked by a network, and findings that nobody verified (COVIDx CT's metadata)."""
    found = []
    for column, value, said in (
        ("slice_selection", MACHINE, "have slices that an earlier network picked"),
        ("verified_finding", "No", "have a finding that was not verified"),
    ):
        if column not in attributes:
            continue
        chosen = records[attributes[column] == value]
        if chosen.empty:
            continue
        patients, of = chosen["patient"].nunique(), records["patient"].nunique()
        by_split = chosen.groupby("split")["patient"].nunique().to_dict()
        where = ", ".join(f"{split or 'no split'} {count:,}" for split, count in by_split.items())
        found.append(
            Finding(
                "label",
                NOTE,
                f"{patients:,} of {of:,} patients {said} ({where})",
                {"patients": {split: int(count) for split, count in by_split.items()}},
            )
        )
    return found


def counts(records: pd.DataFrame, card: Card) -> list[Finding]:
    """Numbers of images that are not the published ones."""
    different = {}
    present = set(records["split"])
    for split in card.images:
        if split and split not in present:
            continue
        there = records[records["split"] == split] if split else records
        for label, expected in card.counts(split).items():
            received = int((there["label"] == label).sum())
            if received != expected:
                different[f"{split} {label}".strip()] = {"published": expected, "here": received}
    if not different:
        return []
    name, numbers = next(iter(different.items()))
    return [
        Finding(
            "label",
            WARN,
            f"{len(different)} counts of images are not the published ones; the first is {name}:"
            f" {numbers['published']:,} published, {numbers['here']:,} here",
            {"counts": different},
        )
    ]
