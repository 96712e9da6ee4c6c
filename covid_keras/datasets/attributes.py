"""Attributes of images beside the records (age, sex, view ...), to find shortcuts and score groups.

No attribute is ever an input of a network.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from covid_keras.datasets import catalogue
from covid_keras.datasets.dicom_tags import image_tags
from covid_keras.datasets.folder import ALIASES
from covid_keras.datasets.label_files import COLUMNS, find_file, plain_path, read_csv
from covid_keras.datasets.records import image_root

_PATIENT_COLUMNS = ("country", "sex", "age", "view", "verified finding", "slice selection")
"""Columns of COVIDx CT's patient table."""
LABELLING = ("verified_finding", "slice_selection")
"""Attributes that say how a label was made; no network can see them."""


def attributes(name: str, root: str | Path, records: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each of `records`, with the same index; str, "" where not known.

    COVIDx CT: the patient table in `root`. Other sets: the columns of their CSV beyond those of the
    records and, under other names, what the headers of DICOM images say (`dicom_tags.TAGS`).
    Columns without any value are left out.

    Args:
        name: a name of `covid-keras data list`.
        root: the data set's folder; for "folder" also a CSV.
        records: table of `load_records`.

    Raises:
        InputError: the CSV cannot be read.
    """
    card, root = catalogue.get(name), Path(root)
    if card.patient_table:
        file = find_file(root, card.patient_table)
        rows = read_csv(file, ["patient id", *_PATIENT_COLUMNS]) if file else ()
        table = {row["patient id"]: row for _, row in rows}
        known = _look_up(table, records["patient"], _PATIENT_COLUMNS)
        return known.rename(columns=lambda name: name.replace(" ", "_"))
    names = [name for name in card.label_files or ("labels.csv",) if name.endswith(".csv")]
    file = root if root.is_file() else find_file(root, names)
    rows = read_csv(file, ["image"], ALIASES) if file else ()
    table = {plain_path(row["image"].strip()): row for _, row in rows}
    columns = [name for name in next(iter(table.values()), {}) if name not in COLUMNS]
    known = _look_up(table, records["image"], columns)
    tags = image_tags(image_root(root), records["image"].tolist()).set_axis(records.index)
    others = tags.columns.difference(known.columns, sort=False)
    return _known_columns(pd.concat([known, tags[others]], axis=1))


def _look_up(
    table: Mapping[str, Mapping[str, str]], keys: pd.Series, columns: Iterable[str]
) -> pd.DataFrame:
    """Return the known ones of `columns` of the table's row for each key."""
    rows = [table.get(key, {}) for key in keys]
    values = {name: [(row.get(name) or "").strip() for row in rows] for name in columns}
    return _known_columns(pd.DataFrame(values, keys.index).replace(["N/A", "nan"], ""))


def _known_columns(table: pd.DataFrame) -> pd.DataFrame:
    return table.loc[:, (table != "").any()]
