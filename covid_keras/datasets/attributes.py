"""What is known of images beside the records: age, sex, view, country, how they were labelled.

No attribute is ever an input of a network. They serve to find shortcuts and to report scores by
group.
"""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from covid_keras.datasets import catalogue
from covid_keras.datasets.dicom_tags import image_tags
from covid_keras.datasets.label_files import COLUMNS, find_file, read_csv
from covid_keras.datasets.records import image_root

_PATIENT_COLUMNS = {
    "country": "country",
    "sex": "sex",
    "age": "age",
    "view": "view",
    "verified finding": "verified_finding",
    "slice selection": "slice_selection",
}
"""{column of COVIDx CT's patient table: our column}."""
LABELLING = ("verified_finding", "slice_selection")
"""Attributes that say how a label was made; no network can see them."""
_UNKNOWN = ("", "N/A", "nan")


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
        return _known_columns(_looked_up(table, records["patient"], _PATIENT_COLUMNS))
    names = [name for name in card.label_files or ("labels.csv",) if name.endswith(".csv")]
    file = root if root.is_file() else find_file(root, names)
    rows = read_csv(file, ["image"]) if file else ()
    table = {row["image"].strip(): row for _, row in rows}
    columns = [name for name in next(iter(table.values()), {}) if name not in COLUMNS]
    known = _known_columns(_looked_up(table, records["image"], {name: name for name in columns}))
    tags = image_tags(image_root(root), records["image"].tolist()).set_axis(records.index)
    others = tags.columns.difference(known.columns, sort=False)
    return _known_columns(pd.concat([known, tags[others]], axis=1))


def _looked_up(
    table: Mapping[str, Mapping[str, str]], keys: pd.Series, columns: Mapping[str, str]
) -> pd.DataFrame:
    """Return the `columns`, {theirs: ours}, of the table's row for each key."""
    return pd.DataFrame(
        {
            ours: [_known(table.get(key, {}).get(theirs)) for key in keys]
            for theirs, ours in columns.items()
        },
        index=keys.index,
    )


def _known_columns(table: pd.DataFrame) -> pd.DataFrame:
    return table.loc[:, (table != "").any()]


def _known(value: str | None) -> str:
    value = (value or "").strip()
    return "" if value in _UNKNOWN else value
