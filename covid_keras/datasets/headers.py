"""What image files say of themselves in their headers: format, mode, bits and size."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from covid_keras.audit import facts
from covid_keras.images import read
from covid_keras.utils.errors import InputError
from covid_keras.utils.progress import progress

COLUMNS = ("format", "mode", "bits", "width", "height", "bytes")
KEPT = "packed_headers.csv"
"""In a data set that was packed: the headers that its files had before."""
_HEAD = 1 << 16
"""Bytes in which a header is looked for before the whole file is read."""


def headers(images: Iterable[str], root: Path) -> pd.DataFrame:
    """One row an image, in their order, with `COLUMNS`; of a packed data set, what was there first.

    Raises:
        InputError: a file cannot be read, or is not in the packed data set's list.
    """
    images = list(images)
    if (root / KEPT).exists():
        known = pd.read_csv(root / KEPT, index_col="image", keep_default_na=False)
        if missing := [image for image in images if image not in known.index]:
            raise InputError(f"{root / KEPT}: expected a row for {missing[0]}. Received: none")
        return known.loc[images, list(COLUMNS)].reset_index(drop=True)
    rows = [_header(root / image) for image in progress("headers", images)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _header(path: Path) -> tuple:
    data = read.read_bytes(path, _HEAD)
    if data.startswith(read.JPEG) and read.jpeg_frame(data) is None:
        data = read.read_bytes(path)
    return *facts.header(data, path), *read.image_size(path), path.stat().st_size
