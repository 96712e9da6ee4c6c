"""What is known of images beside the records: age, sex, view, country, and how they were labelled.

Nothing here is ever an input of a network. It serves to find shortcuts and to report scores by
group.
"""

from pathlib import Path

import pandas as pd

from covid_keras.datasets import catalogue
from covid_keras.datasets.dicom_tags import image_tags
from covid_keras.datasets.label_files import COLUMNS, find_file, read_csv
from covid_keras.datasets.records import image_root

CT_METADATA = ("covidx_ct_metadata.csv", "metadata.csv")
"""COVIDx CT's table of patients, and its name on Kaggle."""
_CT_COLUMNS = {
    "country": "country",
    "sex": "sex",
    "age": "age",
    "view": "view",
    "verified finding": "verified_finding",
    "slice selection": "slice_selection",
}
LABELLING = ("verified_finding", "slice_selection")
"""Attributes that say how a label was made; no network can see them."""
_UNKNOWN = ("", "N/A", "nan")


def attributes(name: str, root: str | Path, records: pd.DataFrame) -> pd.DataFrame:
    """One row for each of `records`, with the same index; strings, "" where not known.

    COVIDx CT: from its metadata CSV in `root`, by patient. Class folders and sets with a CSV of
    their own: the CSV's columns beyond those of the records, and what the headers of DICOM images
    say (`dicom_tags.TAGS`) under other names. Others: no columns. A column of which nothing is
    known is left out.

    Args:
        name: a name of the catalogue.
        root: the data set's folder; for `folder` also a CSV.
        records: as from `load_records`.

    Raises:
        InputError: the CSV cannot be read.
    """
    card, root = catalogue.get(name), Path(root)
    if card.reader == "covidx_ct":
        found = _of_patients(find_file(root, CT_METADATA), records)
    elif card.reader == "folder":
        file = root if root.is_file() else find_file(root, [*card.label_files, "labels.csv"])
        found = _known_columns(_of_images(file, records))
        tags = image_tags(image_root(root), records["image"].tolist()).set_axis(records.index)
        found = pd.concat([found, tags[tags.columns.difference(found.columns, sort=False)]], axis=1)
    else:
        found = pd.DataFrame(index=records.index)
    return _known_columns(found)


def _known_columns(found: pd.DataFrame) -> pd.DataFrame:
    return found.loc[:, (found != "").any()]


def _of_patients(file: Path | None, records: pd.DataFrame) -> pd.DataFrame:
    if file is None:
        return pd.DataFrame(index=records.index)
    table = {row["patient id"]: row for _, row in read_csv(file, ["patient id", *_CT_COLUMNS])}
    return pd.DataFrame(
        {
            ours: [_known(table.get(patient, {}).get(theirs)) for patient in records["patient"]]
            for theirs, ours in _CT_COLUMNS.items()
        },
        index=records.index,
    )


def _of_images(file: Path | None, records: pd.DataFrame) -> pd.DataFrame:
    if file is None:
        return pd.DataFrame(index=records.index)
    table = {row["image"].strip(): row for _, row in read_csv(file, ["image"])}
    columns = [name for name in next(iter(table.values()), {}) if name not in COLUMNS]
    return pd.DataFrame(
        {
            name: [_known(table.get(image, {}).get(name)) for image in records["image"]]
            for name in columns
        },
        index=records.index,
    )


def _known(value: str | None) -> str:
    value = (value or "").strip()
    return "" if value in _UNKNOWN else value
