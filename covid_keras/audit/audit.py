"""The audit of a dataset: read its labels and images once, run every check, keep the result."""

from collections.abc import Collection, Sequence
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from covid_keras.audit.check import KINDS, SEVERITIES, AuditData, Pair
from covid_keras.audit.findings import all_checks
from covid_keras.audit.inventory import inventory
from covid_keras.audit.result import Audit
from covid_keras.audit.scan import Scan, scan
from covid_keras.datasets import catalogue
from covid_keras.datasets.attributes import attributes
from covid_keras.datasets.label_files import SPLITS
from covid_keras.datasets.packed import stamp as packed_stamp
from covid_keras.datasets.records import classes_of, image_root, load_records
from covid_keras.datasets.splits import make_split
from covid_keras.evaluation.baselines import metadata_baselines, thumbnail_baselines
from covid_keras.evaluation.properties import properties
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import write_json

RESULT = "audit.json"


def audit(
    name: str,
    data: str | Path,
    *,
    out: str | Path | None = None,
    splits: Sequence[str] | None = None,
    accepted: Collection[Pair] = (),
    seed: int = 0,
) -> Audit:
    """Find leaks, shortcuts, doubtful labels and damaged files in a dataset.

    Args:
        name: a name of the catalogue.
        data: the dataset's folder. If none of its images exists, only the labels are audited.
        out: folder for audit.json and for what was read, so that a stopped audit is resumed and
            unchanged images are not read again. Without it nothing is kept.
        splits: published splits to audit; None is all.
        accepted: pairs of near duplicates that a person has reviewed.
        seed: of the split, if the dataset comes without one, and of the baselines.

    Raises:
        InputError: unknown dataset, no such folder, a bad label line, or a packed dataset.
    """
    root = Path(data)
    if packed_stamp(image_root(root)):
        raise InputError(
            f"{root}: expected the original dataset: packing removes the metadata that is audited."
            " Received: a packed dataset"
        )
    records = load_records(name, root, splits)
    drawn = bool(records["split"].eq("").any())
    with TemporaryDirectory() if out is None else nullcontext(out) as folder:
        prepared = _prepare(name, root, records, Path(folder) / "scan", accepted, seed)
    found = [finding for check in all_checks() for finding in check.find(prepared)]
    records = prepared.records
    present = [split for split in SPLITS if split in set(records["split"])]
    patients = records[records["patient"] != ""].groupby("split")["patient"].nunique()
    result = Audit(
        name=name,
        root=root,
        classes=prepared.classes,
        counts=pd.crosstab(records["split"], records["label"]).loc[present, list(prepared.classes)],
        patients={split: int(patients.get(split, 0)) for split in present},
        drawn=drawn,
        read=0 if prepared.scan is None else len(prepared.scan.table),
        findings=tuple(
            sorted(found, key=lambda f: (SEVERITIES.index(f.severity), KINDS.index(f.kind)))
        ),
        inventory=tuple(inventory(prepared.properties, prepared.scanned["label"])),
        baselines=tuple(prepared.baselines),
    )
    if out is not None:
        write_json(Path(out) / RESULT, result.to_json())
    return result


def _prepare(
    name: str,
    root: Path,
    records: pd.DataFrame,
    parts: Path,
    accepted: Collection[Pair],
    seed: int,
) -> AuditData:
    """Draw a split where there is none, read the images and score the baselines."""
    card, classes = catalogue.get(name), classes_of(name, records)
    if records["split"].eq("").any():
        records = make_split(records, rule=card.split, seed=seed)
    known = attributes(name, root, records)
    read = _scan(records, image_root(root), parts)
    scanned, known_of_scanned = records, known
    if read is not None:
        kept = ~records["image"].duplicated() & records["image"].isin(read.table["image"])
        scanned, known_of_scanned = (t[kept].reset_index(drop=True) for t in (records, known))
    table = properties(scanned, known_of_scanned, None if read is None else read.table)
    baselines = []
    if _every_class_in(scanned, classes, ("train", "test")):
        baselines += metadata_baselines(table, scanned, classes, seed)
        if read is not None:
            baselines += thumbnail_baselines(read.thumbnails, scanned, classes, seed)
    return AuditData(
        card=card,
        classes=classes,
        records=records,
        attributes=known,
        scan=read,
        scanned=scanned,
        properties=table,
        baselines=tuple(baselines),
        accepted=frozenset(frozenset(pair) for pair in accepted),
    )


def _scan(records: pd.DataFrame, root: Path, parts: Path) -> Scan | None:
    images = records["image"].drop_duplicates().tolist()
    if not any((root / image).is_file() for image in images):
        return None
    return scan(images, root, parts)


def _every_class_in(records: pd.DataFrame, classes: Sequence[str], splits: Sequence[str]) -> bool:
    return all(set(records.loc[records["split"] == s, "label"]) == set(classes) for s in splits)
