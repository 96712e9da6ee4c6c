"""Text for people: counts, tables, near misses; and names of any kind made safe where they go."""

import csv
import difflib
import re
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

FEW = 12
"""Names that are all shown beside a near miss."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""What moves a terminal's cursor, breaks a line or turns its direction."""
_FORMULA = re.compile(r"'*[=+\-@\t\r\n]")
"""The beginning of a cell that a spreadsheet takes for a formula, escaped or not."""
_OUTSIDE = re.compile(r"(.{2,}?[=:])?((?:/(?!/)|~[\\/]|\.\.[\\/]|[A-Za-z]:[\\/]).+)", re.DOTALL)
"""A path that names folders above the working one, perhaps behind "KEY=" or "hub:"."""
_MARKUP = re.compile(r"[\\`*~|]|(?<!\w)_|_(?!\w)|(?<=\])\(")
"""What Markdown does not take as it is."""


def count(number: int, noun: str, plural: str = "") -> str:
    """Return "1 image", "2 images" or "1,200 images"; `plural` is `noun` with an s by default."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def percent(fraction: float, digits: int = 1) -> str:
    """Return a fraction as percent without the sign: 0.2917 as "29.2"."""
    return f"{100 * fraction:.{digits}f}"


def text_table(rows: Sequence[Sequence[str]], align: str = ">", gap: str = "  ") -> list[str]:
    """Return the rows as lines with aligned columns.

    Args:
        rows: of equal length; a header is a row like any other.
        align: "<" (left) or ">" (right) for each column; the last holds for all further ones.
        gap: between two columns.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    sides = align.ljust(len(widths), align[-1])
    return [
        gap.join(f"{c:{side}{width}}" for c, side, width in zip(row, sides, widths, strict=True))
        for row in rows
    ]


def markdown_page(
    title: str, rows: Sequence[Sequence[str]], warnings: Sequence[str], notes: Sequence[str]
) -> str:
    """Return a page of Markdown: title, warnings, a table whose first row is the header, notes."""
    head, *body = rows
    table = text_table([head, ["---"] * len(head), *body], "<", " | ")
    parts = [f"# {title}", *(f"**{warning}**" for warning in warnings)]
    return "\n\n".join([*parts, "\n".join(f"| {line} |" for line in table), *notes]) + "\n"


def near_misses(name: str, known: Iterable[str]) -> str:
    """Return "did you mean a or b?" for a name that is not known, and the known names if few."""
    names = {other.lower(): other for other in known}
    begun = [other for other in names if name and other.startswith(name.lower())]
    near = begun[:3] or difflib.get_close_matches(name.lower(), names, n=3, cutoff=0.5)
    lines = [f"did you mean {' or '.join(names[word] for word in near)}?"] if near else []
    if not near or len(names) <= FEW:
        lines.append(f"known: {', '.join(names.values())}")
    return " ".join(lines)


def printable(text: str) -> str:
    """Return the text with control characters, newlines too, as escapes such as \\x1b."""
    return _CONTROL.sub(lambda found: ascii(found[0])[1:-1], text)


def markdown(text: str) -> str:
    """Return the text as Markdown that shows it as it is, in a table too; it stays on one line."""
    text = " ".join(text.splitlines()).replace("&", "&amp;").replace("<", "&lt;")
    return _MARKUP.sub(r"\\\g<0>", text)


def short_path(text: str) -> str:
    """Return a path below the working folder from there on, another as its name only.

    For files that are handed on: folders can name a user or a hospital. A path behind "KEY=" or
    "hub:" is shortened too; any other text is returned as it is.
    """
    found = _OUTSIDE.fullmatch(text)
    if not found:
        return text
    start, path = found[1] or "", Path(found[2])
    inside = path.is_relative_to(Path.cwd())
    return start + (str(path.relative_to(Path.cwd())) if inside else path.name)


def shell(*words: object) -> str:
    """Return the words as one line to paste into a shell; control characters as in $'a\\nb'."""
    return " ".join(
        f"$'{word.encode('unicode_escape').decode().replace(chr(39), chr(92) + chr(39))}'"
        if _CONTROL.search(word)
        else shlex.quote(word)
        for word in map(str, words)
    )


def csv_text(table: "pd.DataFrame", **options) -> str:
    """Return a table as CSV that no spreadsheet takes for formulas: a "'" is put before them.

    `plain_cell` undoes it, so that the package reads the exact values back.

    Args:
        options: of `DataFrame.to_csv`.
    """

    def safe(cell: object) -> object:
        return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell

    table = table.rename(columns=safe).apply(
        lambda column: column.map(safe) if column.dtype in (object, "str") else column
    )
    options |= {"index": False, "lineterminator": "\n"}
    text = table.to_csv(**options)
    if "\r" in text:  # before Python 3.13 the csv module does not quote such a cell by itself
        text = table.to_csv(**options, quoting=csv.QUOTE_NONNUMERIC)
    return text


def plain_cell(cell: str) -> str:
    """Return a text cell of `csv_text` as it was."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
