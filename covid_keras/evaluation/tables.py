"""Predictions that any program wrote, as a file, a table or arrays, to `Predictions`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit, softmax

from covid_keras.datasets.label_files import known_ids
from covid_keras.datasets.positive import positive_class, positive_last
from covid_keras.evaluation.columns import ANSWERS, Columns, find_columns, plain, pointed, role_of
from covid_keras.metrics.predictions import FIXED_COLUMNS, Predictions
from covid_keras.runs.predictions_file import checked, csv_lines
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import read_text
from covid_keras.utils.optional import need

BINARY = {"0": "0", "1": "1", "0.0": "0", "1.0": "1", "false": "0", "true": "1"}
"""{a label of two classes without names, in lower case: its class}; the positive one is "1"."""
REST = "other"
"""The class of all images but the positive ones, where only these have a name."""


@dataclass(frozen=True)
class Table:
    """Predictions, and what else a table says of each image."""

    predictions: Predictions
    attributes: pd.DataFrame
    """The other columns: N rows of str, "" where not known."""


@dataclass(frozen=True)
class _Cells:
    """The rows of a table as text or numbers, and what to call it and them in messages."""

    name: str
    rows: pd.DataFrame
    """The index is the line number, of a table in memory the row's, counted from 1."""

    def place(self, line: int) -> str:
        return f"{self.name}:{line}"


def read_table(
    source: object,
    *,
    labels: object = None,
    columns: Mapping[str, str] | None = None,
    positive: str | None = None,
    classes: Sequence[str] = (),
) -> Table:
    """Read predictions that any program wrote.

    Args:
        source: a CSV (comma, semicolon or tab) or .parquet file, a DataFrame, or {column: values},
            in which "probabilities" or "logits" may be (N, K), with the class names as "classes".
        labels: a table of the same kind with the true labels, joined by image.
        columns: {image, label, patient, source, fold, score or a class: its column}.
        positive: the positive class, which becomes the last one.
        classes: of another table, which this one has to have too.

    Raises:
        InputError: in one line, with file and line: a column is missing or not clear, a label
            unknown, a value no probability, an image twice.
    """
    cells = _cells(source)
    if labels is not None:
        cells = _joined(cells, _cells(labels), columns or {})
    found = find_columns(cells.name, cells.rows, columns or {})
    table = _fixed_columns(cells, found)
    names, probabilities = _outputs(cells, found, table["label"], positive)
    names, probabilities = _ordered(cells.name, names, probabilities, positive, classes)
    table["label"] = _spelled(table["label"], names)
    places = [cells.place(line) for line in cells.rows.index]
    predictions = checked(table, names, probabilities, cells.place(1), places)
    taken = {*found.roles.values(), *found.outputs.values(), *found.ignored}
    return Table(predictions, _attributes(cells, taken))


def read_labels(
    source: object, columns: Mapping[str, str], classes: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read a table of labels without predictions.

    Returns:
        N rows of str with the columns `FIXED_COLUMNS`, and the other columns as in `Table`.

    Raises:
        InputError: as `read_table`.
    """
    cells = _cells(source)
    found = find_columns(cells.name, cells.rows, columns, outputs=False)
    table = _fixed_columns(cells, found)
    table["label"] = _spelled(table["label"], classes)
    if (unknown := ~table["label"].isin(classes)).any():
        row = int(unknown.argmax())
        raise InputError(
            f"{cells.place(cells.rows.index[row])}: unknown label; expected {', '.join(classes)}."
            f" Received: {table['label'].iloc[row]!r}"
        )
    return table, _attributes(cells, {*found.roles.values()})


def _attributes(cells: _Cells, taken: set[str]) -> pd.DataFrame:
    """Return the columns that are not taken, and hold no answers, as text."""
    others = [c for c in cells.rows if c not in taken and plain(c) not in ANSWERS]
    table = pd.DataFrame({str(c): _text(cells.rows[c]) for c in others}, cells.rows.index)
    return table.reset_index(drop=True)


def _cells(source: object) -> _Cells:
    """Return the rows of a file, a table or arrays."""
    if isinstance(source, Mapping):
        source = _of_arrays(source)
    if isinstance(source, pd.DataFrame):
        rows = source.set_axis(range(1, len(source) + 1)).rename(columns=str)
        return _not_empty(_Cells("table", rows))
    path = Path(source)
    if path.suffix.lower() == ".parquet":
        return _not_empty(_Cells(str(path), _read_parquet(path)))
    first = read_text(path, "CSV").partition("\n")[0]
    lines = dict(csv_lines(path, max(",;\t", key=first.count)))
    if not lines:
        raise InputError(f"{path}: expected a table with a header. Received: an empty file")
    header = [name.strip() for name in lines[min(lines)]]
    if len(header) > 1 and all(map(_is_number, header[1:])):  # as MONAI's CSVSaver writes it
        header = ["image", *(f"output {number}" for number in range(len(header) - 1))]
    else:
        del lines[min(lines)]
    for line, row in lines.items():
        if len(row) != len(header):
            raise InputError(f"{path}:{line}: expected {len(header)} fields. Received: {len(row)}")
    if twice := [name for name in header if header.count(name) > 1]:
        raise InputError(f"{path}:1: expected each column once. Received: {twice[0]} twice")
    rows = pd.DataFrame([*lines.values()], index=[*lines], columns=header, dtype=object)
    return _not_empty(_Cells(str(path), rows))


def _not_empty(cells: _Cells) -> _Cells:
    if cells.rows.empty:
        raise InputError(f"{cells.name}: expected one row per image. Received: none")
    return cells


def _read_parquet(path: Path) -> pd.DataFrame:
    need("pyarrow", f"{path}", "parquet", "a CSV file")
    try:
        rows = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path}: expected a parquet file. Received: {reason}") from None
    return rows.set_axis(range(1, len(rows) + 1)).rename(columns=str)


def _of_arrays(arrays: Mapping[str, object]) -> pd.DataFrame:
    """Return arrays as a table; those of two dimensions become a column for each class."""
    arrays = dict(arrays)
    names = [*map(str, arrays.pop("classes", ()))]
    columns = {}
    for key, values in arrays.items():
        values = np.asarray(values)
        if values.ndim == 1:
            columns[key] = values
            continue
        if values.ndim != 2 or (names and values.shape[1] != len(names)):
            expected = f"(images, {len(names) or 'classes'})"
            raise InputError(
                f"{key}: expected values of shape {expected}. Received: {values.shape}"
            )
        family = "logit" if role_of(key) == "logits" else "prob"
        each = names or [*map(str, range(values.shape[1]))]
        columns |= {f"{family}_{name}": values[:, k] for k, name in enumerate(each)}
    lengths = {key: len(values) for key, values in columns.items()}
    if len(set(lengths.values())) != 1:
        received = ", ".join(f"{key} {length:,}" for key, length in lengths.items())
        raise InputError(f"arrays: expected one value per image. Received: {received or 'nothing'}")
    return pd.DataFrame(columns)


def _joined(cells: _Cells, labels: _Cells, columns: Mapping[str, str]) -> _Cells:
    """Return the rows with the columns of another table, found by the image."""
    ours, theirs = (find_columns(c.name, c.rows, columns, outputs=False) for c in (cells, labels))
    for found, part in ((ours, cells), (theirs, labels)):
        if "image" not in found.roles:
            raise InputError(f"{part.name}:1: expected a column with the image's name, to join by")
    if "label" not in theirs.roles:
        raise InputError(f"{labels.name}:1: expected a column of true labels, such as label")
    keys = _text(labels.rows[theirs.roles["image"]])
    other = labels.rows.set_axis(keys)
    if other.index.has_duplicates:
        line = labels.rows.index[int(other.index.duplicated().argmax())]
        raise InputError(f"{labels.place(line)}: expected each image once. Received one again")
    images = _text(cells.rows[ours.roles["image"]])
    if (missing := ~images.isin(other.index)).any():
        line = cells.rows.index[int(missing.argmax())]
        raise InputError(
            f"{cells.place(line)}: {images[line]}: expected an image of {labels.name}, for its"
            f" label. Received: one that is not in it, as {int(missing.sum()):,} of {len(images):,}"
        )
    del other[theirs.roles["image"]]
    own = cells.rows.drop(columns=[c for c in cells.rows if c in other])
    return _Cells(cells.name, own.join(other.loc[images].set_axis(cells.rows.index)))


def _fixed_columns(cells: _Cells, found: Columns) -> pd.DataFrame:
    """Return image, label, patient, source and fold as text; images without a name get one."""
    if "label" not in found.roles:
        raise InputError(
            f"{cells.place(1)}: expected a column of true labels, such as label or y_true, or their"
            f" table (--labels). Received: {', '.join(cells.rows)}"
        )
    nothing = pd.Series("", cells.rows.index)
    known = {role: _text(cells.rows[column]) for role, column in found.roles.items()}
    table = pd.DataFrame({name: known.get(name, nothing) for name in FIXED_COLUMNS})
    if "image" not in known:
        table["image"] = [f"row {line}" for line in table.index]
    table["patient"] = known_ids(table["patient"].tolist())
    if (empty := table["label"] == "").any():
        line = table.index[int(empty.argmax())]
        raise InputError(f"{cells.place(line)}: expected a true label. Received: none")
    return table.reset_index(drop=True)


def _outputs(
    cells: _Cells, found: Columns, labels: pd.Series, positive: str | None
) -> tuple[list[str], np.ndarray]:
    """Return the class names, and (N, K) probabilities in their order."""
    values = np.stack([_numbers(cells, c) for c in found.outputs.values()], axis=1)
    if found.logits:
        values = softmax(values, axis=1) if values.shape[1] > 1 else expit(values)
    outside = ~((values >= 0) & (values <= 1)).all(axis=1)
    if outside.any():
        row = int(outside.argmax())
        received = ", ".join(f"{value:g}" for value in values[row])
        raise InputError(
            f"{cells.place(cells.rows.index[row])}: expected probabilities from 0 to 1; the columns"
            f" of logits are called logit_CLASS. Received: {received}"
        )
    if "" in found.outputs:
        names = _two_classes(cells.name, labels, positive)
        return names, np.concatenate([1 - values, values], axis=1)
    return [*found.outputs], values


def _two_classes(name: str, labels: pd.Series, positive: str | None) -> list[str]:
    """Return the two classes of a column of scores, the positive one last."""
    present = sorted(set(labels))
    if {label.lower() for label in present} <= set(BINARY) and positive in (
        None,
        *BINARY,
        *present,
    ):
        return ["0", "1"] if positive not in ("0", "0.0") else ["1", "0"]
    if len(present) == 1 and positive:
        return [REST, positive] if present[0] == positive else [present[0], positive]
    if len(present) != 2:
        raise InputError(
            f"{name}: expected two classes for one column of scores, or --positive CLASS."
            f" Received: the labels {', '.join(present[:5])}"
        )
    return [*positive_last(tuple(present), positive_class("folder", present, positive or ""))]


def _ordered(
    name: str,
    names: list[str],
    probabilities: np.ndarray,
    positive: str | None,
    classes: Sequence[str],
) -> tuple[list[str], np.ndarray]:
    """Return the classes with the positive one last, or in the order of another table."""
    if classes and set(classes) != set(names):
        received = ", ".join(names)
        raise InputError(
            f"{name}:1: expected the classes {', '.join(classes)}. Received: {received}"
        )
    if set(names) == {"0", "1"}:
        positive = positive or "1"
    order = classes or positive_last(tuple(names), positive_class("folder", names, positive or ""))
    return [*order], probabilities[:, [names.index(each) for each in order]]


def _spelled(labels: pd.Series, names: Sequence[str]) -> pd.Series:
    """Return the labels as the classes are written: "covid-19" is COVID_19, 1.0 is "1"."""
    known = {plain(name): name for name in names}
    if len(known) < len(names):
        return labels
    spelled = {label: known.get(plain(BINARY.get(label.lower(), label)), label) for label in labels}
    return labels.map(spelled)


def _numbers(cells: _Cells, column: str) -> np.ndarray:
    """Return a column as float64 (N,); a decimal comma counts as a point."""
    values = pointed(cells.rows[column])
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(np.float64)
    if not (finite := np.isfinite(numbers)).all():
        row = int(finite.argmin())
        raise InputError(
            f"{cells.place(cells.rows.index[row])}: {column}: expected a number."
            f" Received: {cells.rows[column].iloc[row]!r}"
        )
    return numbers


def _text(values: pd.Series) -> pd.Series:
    """Return a column as str: "" for what is missing, 7 for 7.0 where all numbers are whole."""
    if pd.api.types.is_float_dtype(values) and (values.dropna() % 1 == 0).all():
        values = values.astype("Int64")
    return values.map(lambda cell: "" if pd.isna(cell) else str(cell).strip()).astype("str")


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
