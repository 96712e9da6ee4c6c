"""What every reader shares: the columns of the records, and reading label files line by line."""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import NoReturn, TextIO

import numpy as np
import pandas as pd

from covid_keras.images.read import IMAGE_SUFFIXES
from covid_keras.utils.errors import InputError

TEXT = ("image", "label", "patient", "split", "source")
BOX = ("x0", "y0", "x1", "y1")
COLUMNS = (*TEXT, *BOX)
ORIGIN = ("file", "line")
"""Where a row was read: label file and line, for messages; not part of the records."""
SPLITS = ("train", "val", "test")

Report = Callable[[str], None]
"""Receives a problem as one line. `refuse` raises at once; `list.append` collects them all."""


class BadLine(ValueError):
    """A line of a label file that does not fit; the message says what was expected."""


def refuse(problem: str) -> NoReturn:
    """The strict `Report`: raise InputError."""
    raise InputError(problem)


def make_table(
    image: Sequence[str],
    label: Sequence[str] | str,
    *,
    patient: Sequence[str] | str = "",
    split: Sequence[str] | str = "",
    source: Sequence[str] | str = "",
    box: Sequence[Sequence[int | None]] | None = None,
    file: Sequence[str] | str = "",
    line: Sequence[int] | int = 0,
) -> pd.DataFrame:
    """Records with their origin, in the dtypes of the contract; a scalar is for every row."""
    columns = dict(image=image, label=label, patient=patient, split=split, source=source)
    table = pd.DataFrame({"image": list(image)})
    for name, values in columns.items():
        table[name] = pd.Series(values if isinstance(values, str) else list(values), table.index)
        table[name] = table[name].astype("str")
    corners = [[None] * len(image)] * 4 if not box else list(zip(*box, strict=True))
    for name, values in zip(BOX, corners, strict=True):
        table[name] = pd.array(values, dtype="Int64")
    table["file"] = file if isinstance(file, str) else list(file)
    table["line"] = np.asarray(line, dtype=np.int64)
    return table


def no_rows() -> pd.DataFrame:
    """An empty table."""
    return make_table([], [])


def join(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Tables below one another, empty ones left out, rows numbered from 0."""
    tables = [table for table in tables if len(table)]
    return pd.concat(tables, ignore_index=True) if tables else no_rows()


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (number from 1, line) of a UTF-8 text file, blank lines left out.

    Raises:
        InputError: the file cannot be read, or is not UTF-8 text.
    """
    with _text(path) as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield number, line.strip()


def parse_lines(path: Path, parse: Callable[[str], tuple], report: Report) -> list[tuple]:
    """(line number, *parse(line)) for every line; a BadLine is reported and left out."""
    rows = []
    for number, line in read_lines(path):
        try:
            rows.append((number, *parse(line)))
        except BadLine as fault:
            report(f"{path}:{number}: {fault}")
    return rows


def read_csv(path: Path, required: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (line number, {column: text}) of a CSV with a header; column names in lower case.

    A cell that is missing at the end of a short row is None; surplus cells are under the key None.

    Raises:
        InputError: the file cannot be read, or lacks a required column.
    """
    with _text(path) as lines:
        reader = csv.DictReader(lines)
        header = [name.strip().lower() for name in reader.fieldnames or []]
        missing = [name for name in required if name not in header]
        if missing:
            received = ",".join(header) or "an empty file"
            raise InputError(
                f"{path}:1: expected the columns {','.join(required)}. Received: {received}"
            )
        reader.fieldnames = header
        for row in reader:
            yield reader.line_num, row


def find_file(root: Path, candidates: Sequence[str]) -> Path | None:
    """The first of the relative paths that is a file under `root`."""
    return next((root / name for name in candidates if (root / name).is_file()), None)


def image_folder(root: Path, candidates: Sequence[str], example: str) -> str:
    """The folder under `root` that holds the images, as a relative path; "" is the root itself.

    The first candidate that exists; else the root, if the image named `example` lies there; else
    the first candidate, which is where the images usually are.
    """
    for folder in candidates:
        if (root / folder).is_dir():
            return folder
    return "" if (root / example).is_file() else candidates[0]


def has_image_suffix(name: str) -> bool:
    """Whether the file name ends like an image, in any case."""
    return PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES


def parse_box(corners: Sequence[str]) -> tuple[int, int, int, int]:
    """(x0, y0, x1, y1) in pixels, x1 and y1 exclusive, from four texts.

    Raises:
        BadLine: not four integers, a negative one, or an empty box.
    """
    if not all(re.fullmatch(r"-?[0-9]+", corner) for corner in corners):
        raise BadLine(f"expected a box of four integers. Received: {' '.join(corners)}")
    x0, y0, x1, y1 = map(int, corners)
    if not (0 <= x0 < x1 and 0 <= y0 < y1):
        raise BadLine(
            f"expected a box with 0 <= xmin < xmax, 0 <= ymin < ymax. Received: {x0} {y0} {x1} {y1}"
        )
    return x0, y0, x1, y1


@contextmanager
def _text(path: Path) -> Iterator[TextIO]:
    """Open a UTF-8 file; what the system, the encoding or csv refuses becomes one InputError."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield file
    except OSError as error:
        raise InputError(f"{path}: cannot read: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: expected UTF-8 text. Received: {error}") from None
