"""Metadata of each image that a baseline can use in place of the image."""

import pandas as pd

from covid_keras.datasets.attributes import LABELLING
from covid_keras.datasets.label_files import BOX

OF_PIXELS = ("bytes",)
"""Properties that depend on the pixels: a compressed file is longer where the image has detail."""
BOX_COLUMNS = tuple(f"box_{name}" for name in BOX)


def properties(
    records: pd.DataFrame, attributes: pd.DataFrame, headers: pd.DataFrame | None
) -> pd.DataFrame:
    """Return a table of N rows: strings, or floats where every known value is a number.

    Columns with one value for all images are left out.

    Args:
        records: N rows.
        attributes: N rows, from `covid_keras.datasets.attributes`. How an image was labelled is
            left out: it is not visible in the image.
        headers: N rows with format, mode, bits, width, height and bytes; None if no file was read.
    """
    columns: dict[str, pd.Series] = {}
    if records["source"].ne("").any():
        columns["source"] = records["source"]
    for name in attributes.columns.difference(LABELLING, sort=False):
        columns[name] = _numbers(attributes[name])
    if headers is not None:
        for name in ("format", "mode"):
            columns[name] = headers[name]
        for name in ("bits", "width", "height", "bytes"):
            columns[name] = headers[name].astype(float)
        columns["aspect"] = headers["width"] / headers["height"]
    if records["x0"].notna().any():
        for name, corner in zip(BOX_COLUMNS, BOX, strict=True):
            columns[name] = records[corner].astype(float)
    table = pd.DataFrame({name: values.to_numpy() for name, values in columns.items()})
    return table.loc[:, table.nunique(dropna=False) > 1]


def _numbers(column: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(column.where(column != ""), errors="coerce")
    return numbers if numbers.notna().eq(column != "").all() else column
