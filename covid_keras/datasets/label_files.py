"""Label files to rows: the fields of a row, and the steps that all readers share."""

import csv
import logging
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, NoReturn, TextIO

from covid_keras.images.find import is_hidden
from covid_keras.utils.errors import InputError

SPLITS = ("train", "val", "test")
TEXT = ("image", "label", "patient", "split", "source")
BOX = ("x0", "y0", "x1", "y1")
COLUMNS = (*TEXT, *BOX)
"""Columns of the records."""

Box = tuple[int | None, int | None, int | None, int | None]
NO_BOX: Box = (None, None, None, None)

OnProblem = Callable[[str], None]
"""Takes a problem as one line. `refuse` raises at once; `list.append` collects all."""


class Row(NamedTuple):
    """One image of a label file or folder; "" and `NO_BOX` where a value is not known."""

    image: str
    """POSIX path, relative to the data set's folder."""
    label: str
    patient: str = ""
    split: str = ""
    source: str = ""
    box: Box = NO_BOX
    file: str = ""
    """The label file, or the image if there is none."""
    line: int = 0
    """In the label file, from 1; 0 if there is none."""


NO_LABELS = "label file not found; for images of your own: --dataset folder"
LARGEST_SIDE = 1 << 20
"""Pixels; no image is as wide."""
LONGEST_NAME = 255
"""Bytes of a file name that file systems take."""
PLACEHOLDERS = (
    *("", "unknown", "unk", "none", "nan", "na", "n/a", "null", "nil", "-", "--", "?", "0"),
    *("missing", "anonymous", "not available"),
)
"""What stands in the place of a patient id, in lower case."""

_log = logging.getLogger(__name__)


class BadLine(ValueError):
    """A bad line of a label file; the message says what was expected."""


def refuse(problem: str) -> NoReturn:
    """Raise InputError: the strict `OnProblem`."""
    raise InputError(problem)


def read_list(
    root: Path,
    candidates: Sequence[str],
    parse: Callable[[str], Row],
    folders: Sequence[str],
    on_problem: OnProblem,
) -> list[Row]:
    """Read the first of the `candidates` under `root` that exists, one image a line.

    The images are in the first of `folders` that exists, else in the root, if the first one is
    there, else in the first folder, where they usually are; it is added to their names.

    Args:
        parse: makes the row of a line, with the image's file name, or raises BadLine.
        folders: relative to `root`.
        on_problem: takes a missing or empty file and every bad line.
    """
    path = find_file(root, candidates)
    if path is None:
        on_problem(f"{root / candidates[0]}: {NO_LABELS}")
        return []
    with _text(path) as lines:
        numbered = enumerate(map(str.strip, lines), 1)
        rows = parse_rows(path, (pair for pair in numbered if pair[1]), parse, on_problem)
    folder = next((name for name in folders if (root / name).is_dir()), None)
    if not rows or (folder is None and (root / rows[0].image).is_file()):
        return rows
    joined = (posixpath.join(folder or folders[0], row.image) for row in rows)
    paths = map(posixpath.normpath, joined)
    return [row._replace(image=path) for row, path in zip(rows, paths, strict=True)]


def parse_rows(
    path: Path, items: Iterable[tuple[int, Any]], parse: Callable[[Any], Row], on_problem: OnProblem
) -> list[Row]:
    """Parse each (line number, item) of the file; report bad lines and a file without rows.

    Paths are made plain (`plain_path`); a placeholder as patient id counts as unknown, with a
    warning.
    """
    rows = []
    for number, item in items:
        try:
            row = parse(item)
            row = row._replace(image=plain_path(row.image), file=str(path), line=number)
            rows.append(row)
        except BadLine as error:
            on_problem(f"{path}:{number}: {error}")
    if not rows:
        on_problem(f"{path}: expected at least one image. Received: none")
    return _without_placeholders(path, rows)


def plain_path(image: str) -> str:
    """Return the path of an image as it is compared: POSIX, without "./" and "//".

    Raises:
        BadLine: it is hidden, too long, or names no file.
    """
    path = posixpath.normpath(image.replace("\\", "/"))
    parts = PurePosixPath(path).parts
    if path in (".", "..", "/", "//") or "\0" in path:
        raise BadLine(f"expected the path of an image. Received: {image[:200]}")
    if is_hidden(parts[-1] if leads_out(path) else path):
        raise BadLine(f"expected an image that is not hidden. Received: {image[:200]}")
    if any(len(part.encode()) > LONGEST_NAME for part in parts):
        what = f"file names of at most {LONGEST_NAME} bytes"
        raise BadLine(f"expected {what}. Received: {image[:40]}... of {len(image)}")
    return path


def leads_out(path: str) -> bool:
    """Return whether a plain path leads out of the folder that it is relative to."""
    return path.startswith(("/", "../"))


def known_ids(ids: Sequence[str]) -> list[str]:
    """Return the ids with "" for placeholders such as "unknown" or "nan".

    A zero is an id where the others are numbers from one on.
    """
    placeholders = {*PLACEHOLDERS} - ({"0"} if "1" in ids else set())
    return ["" if each.strip().lower() in placeholders else each for each in ids]


def _without_placeholders(path: Path, rows: list[Row]) -> list[Row]:
    """Return the rows with "" for patient ids that are placeholders; warn of them."""
    ids = known_ids([row.patient for row in rows])
    pairs = zip(rows, ids, strict=True)
    if unknown := [row.patient for row, known in pairs if row.patient != known]:
        _log.warning(
            "%s: %d of %d patient ids are placeholders (%s) and count as unknown",
            *(path, len(unknown), len(rows), ", ".join(sorted(set(unknown)))),
        )
    return [row._replace(patient=known) for row, known in zip(rows, ids, strict=True)]


def read_csv(
    path: Path, required: Sequence[str], aliases: Mapping[str, Sequence[str]] | None = None
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (line number, {column: text}) of a CSV with a header; column names in lower case.

    Missing cells at the end of a row are None; surplus cells are under the key None. The header
    shows whether fields are separated by a comma, a semicolon or a tab.

    Args:
        aliases: {column: other names that it may have, if it is missing}; each use is logged.

    Raises:
        InputError: the file cannot be read, lacks a required column or has a column twice.
    """
    with _text(path) as lines:
        first = lines.readline()
        lines.seek(0)
        reader = csv.DictReader(lines, delimiter=max(",;\t", key=first.count))
        header = [name.strip().lower() for name in reader.fieldnames or []]
        for name, others in (aliases or {}).items():
            found = [other for other in others if other in header]
            if name not in header and found:
                _log.info("%s:1: column %s is read as %s", path, found[0], name)
                header[header.index(found[0])] = name
        if twice := [name for name in header if header.count(name) > 1]:
            raise InputError(f"{path}:1: expected each column once. Received: {twice[0]} twice")
        if any(name not in header for name in required):
            expected, received = ",".join(required), ",".join(header) or "an empty file"
            raise InputError(f"{path}:1: expected the columns {expected}. Received: {received}")
        reader.fieldnames = header
        for row in reader:
            yield reader.line_num, row


def find_file(root: Path, candidates: Sequence[str]) -> Path | None:
    """Return the first of the relative paths that is a file under `root`."""
    return next((root / name for name in candidates if (root / name).is_file()), None)


def parse_box(corners: Sequence[str]) -> Box:
    """Return (x0, y0, x1, y1) in pixels, x1 and y1 exclusive, of four texts, NO_BOX if all are "".

    Raises:
        BadLine: not four integers, a negative one, or an empty box.
    """
    if not any(corners):
        return NO_BOX
    if not all(re.fullmatch(r"-?[0-9]+", corner) for corner in corners):
        raise BadLine(f"expected a box of four integers. Received: {' '.join(corners)}")
    x0, y0, x1, y1 = map(int, corners)
    if not (0 <= x0 < x1 < LARGEST_SIDE and 0 <= y0 < y1 < LARGEST_SIDE):
        received = f"{x0} {y0} {x1} {y1}"
        raise BadLine(
            f"expected a box with 0 <= xmin < xmax, 0 <= ymin < ymax. Received: {received}"
        )
    return x0, y0, x1, y1


@contextmanager
def _text(path: Path) -> Iterator[TextIO]:
    """Open a UTF-8 file; turn errors of the system, the encoding and csv into InputError."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield file
    except OSError as error:
        raise InputError(f"{path}: cannot read: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: expected UTF-8 text. Received: {error}") from None
