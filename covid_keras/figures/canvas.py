"""What all figures share: size, stamps, colours, and how they are saved."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from covid_keras.metrics.sentences import percent
from covid_keras.utils.files import atomic_path
from covid_keras.utils.text import printable

WIDTH = 9.0
"""Inches; 900 pixels."""
OKABE_ITO = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000")
"""Colours that colour-blind readers can distinguish (Okabe and Ito 2008)."""
INK, MUTED = "#222222", "#8a8a8a"
"""Colours of lines that belong to no class."""
WRONG = "#D55E00"
LINE = 88
"""Characters of a line of stamps."""
FORMATS = ("png", "svg")
NO_DATE = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
"""Metadata that make the bytes of a figure the same every time."""


def new_figure(
    height: float, stamps: Sequence[str], title: str, width: float = WIDTH
) -> tuple[Figure, float]:
    """Return a figure of `height` inches with stamps and title, and the share of it below them.

    The stamps, warnings about the run, are above the title.
    """
    figure = Figure(figsize=(width, height), dpi=100, facecolor="white")
    FigureCanvasAgg(figure)
    y = height - 0.12
    lines = _stamp_lines(stamps)
    if lines:
        text = "\n".join(line.strip(" ·") for line in lines)
        figure.text(0.02, y / height, text, va="top", weight="bold", color=WRONG, fontsize=10)
    y = height - heading(stamps) + 0.32
    figure.text(0.02, y / height, title, va="top", weight="bold", fontsize=12)
    return figure, (y - 0.32) / height


def heading(stamps: Sequence[str]) -> float:
    """Return the inches that stamps and title take in `new_figure`."""
    lines = len(_stamp_lines(stamps))
    return 0.44 + (0.2 * lines + 0.05 if lines else 0)


def _stamp_lines(stamps: Sequence[str]) -> list[str]:
    return textwrap.wrap(" · ".join(map(_unbroken, stamps)), LINE, break_on_hyphens=False)


def footnote(figure: Figure, text: str) -> None:
    """Write small text at the bottom of the figure."""
    lines = "\n".join(wrapped(text))
    figure.text(0.02, 0.012, lines, fontsize=8, color="#444444", va="bottom")


def wrapped(text: str) -> list[str]:
    """Return the lines of a footnote."""
    return textwrap.wrap(text, 140)


def save(figure: Figure, path: Path, formats: Sequence[str] = FORMATS) -> None:
    """Save the figure in each of the formats: `path` with the suffix .png, .svg or .pdf.

    Text stays text in SVG and PDF, and a "$" in a name is no formula. Raises InputError if a file
    cannot be written.
    """
    for text in figure.findobj(Text):
        text.set_parse_math(False)
        text.set_text("\n".join(map(printable, text.get_text().split("\n"))))
    settings = {"svg.fonttype": "none", "svg.hashsalt": "covid_keras", "pdf.fonttype": 42}
    for name in formats:
        file = path.with_suffix(f".{name}")
        with atomic_path(file) as temporary, matplotlib.rc_context(settings):
            figure.savefig(temporary, format=name, metadata=NO_DATE[name])


def colour(k: int) -> str:
    """Return the colour of the k-th class or line."""
    return OKABE_ITO[k % len(OKABE_ITO)]


def in_percent(entry: dict) -> str:
    """Return a metric of metrics.json with its interval and unit; a warning is on a new line."""
    if entry["value"] is None:
        return percent(entry)
    number, _, warning = percent(entry).partition(" (")
    return f"{number} %\n({warning}" if warning else f"{number} %"


def _unbroken(stamp: str) -> str:
    """Return the stamp, kept on one line if it fits."""
    return stamp.replace(" ", "\u00a0") if len(stamp) < LINE else stamp
