"""What all figures share: size, stamps, colours, and how they are saved."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from covid_keras.metrics.text import percent
from covid_keras.utils.files import atomic_path

DPI = 100
WIDTH = 9.0
"""Inches; 900 pixels."""
OKABE_ITO = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000")
WRONG = "#D55E00"
LINE = 95
"""Characters of a stamp in one line."""


def new_figure(height: float, stamps: Sequence[str], title: str) -> tuple[Figure, float]:
    """A figure with stamps and title, and the fraction of its height that is left below them."""
    figure = Figure(figsize=(WIDTH, height), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    y = height - 0.12
    if stamps:
        lines = textwrap.wrap(" · ".join(map(_unbroken, stamps)), LINE)
        text = "\n".join(lines)
        figure.text(0.02, y / height, text, va="top", weight="bold", color=WRONG, fontsize=10)
        y -= 0.2 * len(lines) + 0.05
    figure.text(0.02, y / height, title, va="top", weight="bold", fontsize=12)
    return figure, (y - 0.32) / height


def footnote(figure: Figure, text: str) -> None:
    figure.text(0.02, 0.012, textwrap.fill(text, 140), fontsize=8, color="#444444", va="bottom")


def save(figure: Figure, path: str | Path) -> None:
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png")


def colour(k: int) -> str:
    return OKABE_ITO[k % len(OKABE_ITO)]


def in_percent(entry: dict) -> str:
    """A metric of metrics.json with its interval and unit."""
    return percent(entry) if entry["value"] is None else f"{percent(entry)} %"


def _unbroken(stamp: str) -> str:
    """The stamp in capitals, kept on one line where it fits one."""
    stamp = stamp.upper()
    return stamp.replace(" ", "\u00a0") if len(stamp) < LINE else stamp
