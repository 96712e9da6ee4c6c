"""Text for people: counts, percentages, aligned tables and near misses."""

import difflib
from collections.abc import Iterable, Sequence


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


def near_misses(name: str, known: Iterable[str]) -> str:
    """Return "did you mean a or b?" for a name that is not known, or else the known names."""
    names = {other.lower(): other for other in known}
    near = difflib.get_close_matches(name.lower(), names, n=3, cutoff=0.5)
    if near:
        return f"did you mean {' or '.join(names[word] for word in near)}?"
    return f"known: {', '.join(names.values())}"
