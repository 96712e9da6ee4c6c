"""The audit of a data set: read its labels and images once, run every check, keep the result."""

import os
from collections.abc import Collection, Sequence
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from covid_keras.audit.check import DRAWN, KINDS, SEVERITIES, AuditData, Pair
from covid_keras.audit.findings import all_checks
from covid_keras.audit.inventory import inventory
from covid_keras.audit.result import Audit
from covid_keras.audit.scan import scan
from covid_keras.datasets import catalogue
from covid_keras.datasets.archive import packed_stamps
from covid_keras.datasets.attributes import attributes
from covid_keras.datasets.check import check_files
from covid_keras.datasets.levels import warn_of_levels
from covid_keras.datasets.records import classes_of, image_root, load_records
from covid_keras.datasets.splits import make_split
from covid_keras.evaluation.baselines import metadata_baselines, properties, thumbnail_baselines
from covid_keras.runs.run import Run
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import write_json


def audit(
    name: str,
    data: str | Path,
    *,
    out: str | Path | None = None,
    splits: Sequence[str] | None = None,
    accepted: Collection[Pair] = (),
    seed: int = 0,
    outside: bool = False,
    run: str | os.PathLike | None = None,
) -> Audit:
    """Find leaks, shortcuts, doubtful labels and damaged files in a data set.

    Args:
        name, data, splits, accepted, seed, outside, run: as in `covid_keras.audit`.
        out: folder for audit.json and for what was read, so that a stopped audit is resumed and
            unchanged images are not read again. Without it nothing is kept.

    Raises:
        InputError: unknown data set, no such folder, a bad label line, or a packed data set.
    """
    with TemporaryDirectory() if out is None else nullcontext(out) as folder:
        parts = Path(folder) / "scan"
        run = run and Run(Path(run))
        prepared = prepare(name, Path(data), parts, splits, accepted, seed, outside, run)
    findings = [finding for check in all_checks() for finding in check.find(prepared)]
    findings.sort(key=lambda f: (SEVERITIES.index(f.severity), KINDS.index(f.kind)))
    items = inventory(prepared.properties, prepared.scanned["label"])
    result = Audit(prepared, tuple(findings), tuple(items))
    if out is not None:
        write_json(Path(out) / "audit.json", result.to_json())
    return result


def prepare(
    name: str,
    root: Path,
    parts: Path,
    splits: Sequence[str] | None,
    accepted: Collection[Pair],
    seed: int,
    outside: bool = False,
    run: Run | None = None,
) -> AuditData:
    """Read the labels and images, split them as the run or anew, and score the baselines."""
    images = image_root(root)
    if packed_stamps(images):
        raise InputError(
            f"{root}: expected the original data set: packing removes the metadata that is audited."
            " Received: a packed data set"
        )
    records = load_records(name, root, splits, outside=outside)
    check_files(records, images, outside, missing=False)
    warn_of_levels(records["image"].tolist(), images)
    card, classes = catalogue.get(name), classes_of(name, records)
    if run:
        records = _split_of(run, records, root)
    split = "the run's split" if run else "the data set's own split"
    if records["split"].eq("").any():
        records, split = _drawn(records, card.split, seed)
    known = attributes(name, root, records)
    scanned, facts, baselines = records, None, []
    names = records["image"].drop_duplicates().tolist()
    if any((images / image).is_file() for image in names):
        facts = scan(names, images, parts)
        kept = ~records["image"].duplicated() & records["image"].isin(facts.table["image"])
        scanned = records[kept]
    table = properties(scanned, known.loc[scanned.index], facts and facts.table)
    labels = scanned.groupby("split")["label"].agg(set)
    if all(labels.get(split) == set(classes) for split in ("train", "test")):
        baselines += metadata_baselines(table, scanned, classes, seed)
        if facts:
            baselines += thumbnail_baselines(facts.thumbnails, scanned, classes, seed)
    return AuditData(
        root=root,
        card=card,
        classes=classes,
        records=records,
        split=split,
        attributes=known,
        scan=facts,
        scanned=scanned,
        properties=table,
        baselines=tuple(baselines),
        accepted=frozenset(map(frozenset, accepted)),
    )


def _drawn(records: pd.DataFrame, rule: str, seed: int) -> tuple[pd.DataFrame, str]:
    """Return the records with a split, or as they are where none is possible; and which it is."""
    try:
        return make_split(records, rule=rule, seed=seed), DRAWN
    except InputError as error:
        return records, f"no split can be drawn, so nothing is said about one ({error})"


def _split_of(run: Run, records: pd.DataFrame, root: Path) -> pd.DataFrame:
    """Return the records that a run uses, with its split.

    Raises:
        InputError: the run has images that are not in the data set.
    """
    split = run.split().set_index("image")["split"]
    if missing := set(split.index) - set(records["image"]):
        raise InputError(
            f"{run.path}: expected a run on images of {root}. Received: one with"
            f" {len(missing):,} others, such as {min(missing)}"
        )
    used = records[records["image"].isin(split.index)].reset_index(drop=True)
    return used.assign(split=used["image"].map(split))
