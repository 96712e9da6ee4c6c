"""Splits: fill in the column `split` of records, check it, write it and read it.

Images are stratified by class and grouped by patient where ids are known. The patients of a class
(of several labels, the most frequent counts) are shuffled and placed on a line, each as long as its
number of images; a split is a section of that line. So the share of every class in every split is
exact to half a patient, and a split depends on the seed and the set of images, not on their order.
A section without a patient gets one where the class has enough, so that every class is in every
split.
"""

import hashlib
import itertools
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from covid_keras.datasets.label_files import (
    BOX,
    COLUMNS,
    SPLITS,
    TEXT,
    BadLine,
    Row,
    parse_box,
    read_csv,
)
from covid_keras.datasets.records import make_table
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import write_text
from covid_keras.utils.text import count, csv_text, plain_cell

HASH = "hash"
"""Column of a run's split: what `hashes.file_hashes` gave when the run was set up."""
VAL = 0.1
"""Share of the images that is val, where a split is drawn and none is published."""

_log = logging.getLogger(__name__)


def make_split(
    records: pd.DataFrame,
    *,
    rule: str = "holdout",
    folds: int = 5,
    fold: int = 0,
    source: str = "",
    per_class: int = 0,
    group: str = "patient",
    seed: int = 0,
    val: float = VAL,
) -> pd.DataFrame:
    """Assign every record to train, val or test, and check the split.

    Args:
        records: table of `load_records`.
        rule: "official" keeps the published split, "holdout" draws 20 % test, "kfold" takes fold
            number `fold` (from 0) of `folds` (2 or more) as test, "source" the images of `source`.
        per_class: training images kept of each class; 0 keeps all.
        group: "patient" keeps the images of a patient in one split; "image" does not.
        seed: of the random draws.
        val: share drawn as val, where none is published: of all images for "holdout", else of those
            outside test; 0 for no val.

    Returns:
        The records in the same order with the column `split` filled in; rows that `per_class`
        drops are left out.

    Raises:
        InputError: an unknown rule, a class without images in a split, a patient in two splits.

    Example:
        >>> records = covid_keras.load_records("folder", images)
        >>> split = covid_keras.make_split(records, rule="kfold", folds=5, fold=2)
        >>> int((split["split"] == "test").sum())
        8
    """
    grouped = records if group == "patient" else records.assign(patient="")
    if rule == "official":
        split = official(grouped, seed, val)
    elif rule == "holdout":
        split = hold_out(grouped, seed, val)
    elif rule == "kfold":
        split = k_fold(grouped, folds, fold, seed, val)
    elif rule == "source":
        split = leave_source_out(grouped, source, seed, val)
    else:
        raise InputError(
            f"split rule: expected official, holdout, kfold or source. Received: {rule}"
        )
    wanted = {"train": True, "val": val or "val" in set(split["split"]), "test": rule != "source"}
    _check_classes(split, [name for name in SPLITS if wanted[name]])
    check_disjoint(split)
    split = split.assign(patient=records["patient"])
    return limit_per_class(split, per_class, seed) if per_class else split


def default_rule(records: pd.DataFrame, rule: str) -> str:
    """Return "official" if every record comes with a split, else `rule`."""
    return "official" if records["split"].ne("").all() else rule


def official(records: pd.DataFrame, seed: int, val: float = VAL) -> pd.DataFrame:
    """Keep the published split; if it has no val, draw the share `val` of train's patients.

    Raises:
        InputError: an image without a split, or no train or no test images.
    """
    present = set(records["split"])
    if not {"train", "test"} <= present or "" in present:
        names = ", ".join(sorted(s or "none" for s in present)) or "no images"
        raise InputError(
            f"official split: expected train and test for every image. Received: {names}"
        )
    if "val" in present or not val:
        return records.copy()
    train = records["split"] == "train"
    held = _sections(records[train], seed, [val, 1 - val]) == 0
    split = records["split"].mask(train & held.reindex(records.index, fill_value=False), "val")
    message = "no published val split: %d of %d train images held out as val"
    _log.info(message, held.sum(), train.sum())
    return records.assign(split=split)


def hold_out(records: pd.DataFrame, seed: int, val: float = VAL, test: float = 0.2) -> pd.DataFrame:
    """Draw train, val and test; `val` and `test` are shares of all images, 0 for none."""
    shares = {name: share for name, share in (("test", test), ("val", val)) if share}
    section = _sections(records, seed, [*shares.values(), 1 - sum(shares.values())])
    return records.assign(split=section.map(dict(enumerate([*shares, "train"]))).astype("str"))


def k_fold(
    records: pd.DataFrame, folds: int, fold: int, seed: int, val: float = VAL
) -> pd.DataFrame:
    """Take fold number `fold` (from 0) of `folds` as test, and the share `val` of the rest as val.

    Raises:
        InputError: fewer than two folds, or no such fold.
    """
    if folds < 2 or not 0 <= fold < folds:
        raise InputError(f"fold: expected 0 to {folds - 1} of 2 folds or more. Received: {fold}")
    test = _sections(records, seed, [1 / folds] * folds) == fold
    return _split_rest(records, test, seed + 1 + fold, val)


def leave_source_out(
    records: pd.DataFrame, source: str, seed: int, val: float = VAL
) -> pd.DataFrame:
    """Take all images of `source` as test, and the share `val` of the others as val.

    Raises:
        InputError: no such source (the known ones are named), or an image without one.
    """
    known = sorted(set(records["source"]))
    if "" in known:
        raise InputError("split rule source: expected a source for every image. Received: none")
    if source not in known or len(known) == 1:
        expected = f"one of two or more sources, {', '.join(known)}"
        raise InputError(f"source: expected {expected}. Received: {source!r}")
    return _split_rest(records, records["source"] == source, seed, val)


def _split_rest(records: pd.DataFrame, test: pd.Series, seed: int, val: float) -> pd.DataFrame:
    rest = hold_out(records[~test], seed, val, test=0.0)["split"]
    return records.assign(split=rest.reindex(records.index, fill_value="test"))


def limit_per_class(records: pd.DataFrame, n: int, seed: int) -> pd.DataFrame:
    """Keep `n` random training images of each class; val and test are unchanged.

    Raises:
        InputError: a class has fewer than `n` training images.
    """
    train = records[records["split"] == "train"].sort_values("image")
    available = train["label"].value_counts()
    for label in sorted(set(records["label"])):
        if (images := available.get(label, 0)) < n:
            raise InputError(f"per_class={n}: class {label} has {images} training images")
    kept = train.groupby("label").sample(n, random_state=seed).index
    return records[(records["split"] != "train") | records.index.isin(kept)]


def check_disjoint(records: pd.DataFrame) -> None:
    """Raise InputError if a patient or an image is in two splits; the first one is named."""
    for what in ("patient", "image"):
        pairs = records.loc[records[what] != "", [what, "split"]].drop_duplicates()
        splits = pairs[pairs[what].duplicated(keep=False)].groupby(what, sort=False)["split"]
        for name, names in splits:  # the first
            found = " and ".join(names) + (
                f", and {len(splits) - 1} more" if len(splits) > 1 else ""
            )
            raise InputError(f"{what} {name} is in {found}: expected each {what} in one split")


def is_image_level(records: pd.DataFrame) -> bool:
    """Return whether a patient is in two splits, or may be because an image has no patient id."""
    splits = records.groupby("patient")["split"].nunique()
    return bool(records["patient"].eq("").any() or (splits > 1).any())


def write_split(records: pd.DataFrame, path: str | Path) -> None:
    """Write the records with split and hash as CSV, atomically; `read_split` is its inverse."""
    write_text(path, csv_text(records[[*COLUMNS, HASH]]))


def read_split(path: str | Path) -> pd.DataFrame:
    """Read what `write_split` wrote, exactly; ids such as "007" and "NA" stay strings.

    Raises:
        InputError: a missing file or column, or a box that is not four integers.
    """
    path = Path(path)
    rows, hashes = [], []
    for number, row in read_csv(path, COLUMNS):
        if None in row.values():
            raise InputError(f"{path}:{number}: expected as many fields as the header has")
        try:
            box = parse_box([row[name] for name in BOX])
        except BadLine as error:
            raise InputError(f"{path}:{number}: {error}") from None
        rows.append(Row(*(plain_cell(row[name]) for name in TEXT), box))
        hashes.append(row.get(HASH, ""))
    return make_table(rows)[list(COLUMNS)].assign(**{HASH: pd.Series(hashes, dtype="str")})


def fingerprint(records: pd.DataFrame) -> dict:
    """Return what a run was trained and tested on, as JSON values.

    Returns:
        {"images": {split: {class: n}}, "patients": {split: n with an id}, "image_level": bool,
        "sha256": of the split table sorted by image, so that the order does not count}.
    """
    table = records.sort_values("image")[list(COLUMNS)]
    images = records.groupby(["split", "label"]).size()
    patients = records[records["patient"] != ""].groupby("split")["patient"].nunique()
    present = [split for split in (*SPLITS, "") if split in images.index]
    return {
        "images": {split: images[split].to_dict() for split in present},
        "patients": {split: int(patients.get(split, 0)) for split in present},
        "image_level": is_image_level(records),
        "sha256": hashlib.sha256(csv_text(table).encode()).hexdigest(),
    }


def _sections(records: pd.DataFrame, seed: int, shares: Sequence[float]) -> pd.Series:
    """Return the number of each image's section of the line of patients; `shares` add up to 1.

    Where a class has at least as many patients as there are sections, none is without one: an
    empty section takes the nearest patient of the section with the most.
    """
    patient = "patient " + records["patient"]
    group = patient.where(records["patient"] != "", "image " + records["image"]).rename("group")
    sizes = records.groupby([group, "label"]).size().rename("images").reset_index()
    sizes = sizes.sort_values(["group", "images", "label"], ascending=[True, False, True])
    sizes["total"] = sizes.groupby("group")["images"].transform("sum")
    groups = sizes.drop_duplicates("group")
    groups = groups.iloc[np.random.default_rng(seed).permutation(len(groups))].copy()
    line = groups.groupby("label")["total"]
    groups["position"] = (line.cumsum() - groups["total"] / 2) / line.transform("sum")
    ends = np.cumsum(shares)
    groups["section"] = np.searchsorted(ends[:-1], groups["position"], side="right")
    for _, members in groups.groupby("label"):
        for section in set(range(len(shares))) - set(members["section"]):
            now = groups.loc[members.index]
            if len(members) >= len(shares):
                most = now[now["section"] == now["section"].mode()[0]]
                away = (most["position"] - (ends[section] - shares[section] / 2)).abs()
                groups.loc[away.idxmin(), "section"] = section
    return group.map(groups.set_index("group")["section"])


def _check_classes(records: pd.DataFrame, needed: Sequence[str]) -> None:
    """Raise InputError if a class has no image in a split of `needed`; say how many it has."""
    present = set(zip(records["split"], records["label"], strict=True))
    for split, label in itertools.product(needed, sorted(set(records["label"]))):
        if (split, label) not in present:
            patients = records.loc[records["label"] == label, "patient"]
            unknown = int(patients.eq("").sum())
            has = [count(patients[patients != ""].nunique(), "patient")] if unknown == 0 else []
            has += [count(unknown, "image without a patient id", "images without patient ids")]
            raise InputError(
                f"{split} split: expected images of class {label}. Received: none;"
                f" the class has {has[0]}, and {', '.join(needed)} need one each"
            )
