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

    Columns with one value for all images are left out. A file's header takes precedence over an
    attribute of the same name.

    Args:
        records: N rows.
        attributes: N rows, from `covid_keras.datasets.attributes`. How an image was labelled is
            left out: it is not visible in the image.
        headers: N rows with format, mode, bits, width, height and bytes; None if no file was read.
    """
    attributes = attributes.drop(columns=list(LABELLING), errors="ignore").apply(_numbers)
    boxes = records[list(BOX)].astype(float).set_axis(list(BOX_COLUMNS), axis=1)
    tables = [records[["source"]], attributes, boxes]
    if headers is not None:
        sizes = headers[["bits", "width", "height", "bytes"]].astype(float)
        aspect = (headers["width"] / headers["height"]).rename("aspect")
        tables[2:2] = [headers[["format", "mode"]], sizes, aspect]
    table = pd.concat([part.reset_index(drop=True) for part in tables], axis=1)
    table = table.loc[:, ~table.columns.duplicated(keep="last")]
    return table.loc[:, table.nunique(dropna=False) > 1]


def _numbers(column: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(column.where(column != ""), errors="coerce")
    return numbers if numbers.notna().eq(column != "").all() else column
