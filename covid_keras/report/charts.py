"""Line charts as values in the units of an SVG, which `templates/blocks.html` draws.

They are drawn here and not by Matplotlib because a page must be readable on a narrow screen, in a
dark room and on paper: text keeps its size, and colours follow the reader's scheme.
"""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from matplotlib.ticker import MaxNLocator

from covid_keras.figures.canvas import OKABE_ITO

WIDTH, HEIGHT = 400, 300
LEFT, RIGHT, TOP, BOTTOM = 62, 18, 10, 42
"""Margins of the drawing area."""
ROOM = 0.04
"""Share of an axis that stays free beyond the values."""
STAMP_LINE = 84
"""Characters of a line of stamps."""
INK = "ink"
"""The colour of the text, for what belongs to no class."""


@dataclass(frozen=True)
class Axis:
    """An axis with its ticks."""

    label: str
    low: float
    high: float

    @classmethod
    def over(cls, label: str, values: Sequence[float], low: float | None = None) -> "Axis":
        """Return an axis on which all values have room; `low` is where it starts."""
        start, end = float(np.min(values)) if low is None else low, float(np.max(values))
        room = ROOM * (end - start) or 1.0
        return cls(label, start - room if low is None else low, end + room)

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Round numbers along the axis, and as text."""
        values = MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]).tick_values(self.low, self.high)
        inside = [value for value in values if self.low <= value <= self.high]
        exact = (n for n in range(9) if all(abs(round(v, n) - v) < 1e-9 for v in inside))
        digits = next(exact, 9)
        return [(value, f"{value:,.{digits}f}") for value in inside]

    def share(self, value: float) -> float:
        """Return where a value is along the axis, from 0 to 1."""
        return (value - self.low) / (self.high - self.low)


@dataclass(frozen=True)
class Line:
    """A line, its points, or both."""

    x: Sequence[float]
    y: Sequence[float]
    label: str = ""
    """In the legend; "" for none."""
    colour: str = INK
    """INK, muted, or c0, c1, ... of the classes."""
    style: str = "solid"
    """solid, dashed, dotted; none, or pale, for points alone."""
    dots: float = 0.0
    """Diameter of the points."""
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    """Ends of a vertical interval at each point."""


@dataclass(frozen=True)
class Spot:
    """A point that shows an image."""

    x: float
    y: float
    tile: int
    """Place of the image among the chart's tiles."""
    text: str


@dataclass(frozen=True)
class Tiles:
    """Small square images in the rows of one picture."""

    source: str
    """A data URI."""
    side: int
    """Pixels of an image."""
    across: int
    """Images in a row."""


@dataclass(frozen=True)
class Chart:
    """A chart."""

    kind: ClassVar[str] = "chart"
    title: str
    x: Axis
    y: Axis
    lines: Sequence[Line]
    note: str = ""
    spots: Sequence[Spot] = field(default=())
    tiles: Tiles | None = None
    numbers: bool = True
    """Whether the axes have numbers."""

    def left(self, value: float) -> float:
        """Return the place of a value of x in the SVG."""
        return round(LEFT + self.x.share(value) * (WIDTH - LEFT - RIGHT), 1)

    def top(self, value: float) -> float:
        """Return the place of a value of y in the SVG."""
        return round(HEIGHT - BOTTOM - self.y.share(value) * (HEIGHT - TOP - BOTTOM), 1)

    def path(self, line: Line) -> str:
        """Return the line as the path of an SVG, without points that would not be seen."""
        points = [(self.left(x), self.top(y)) for x, y in zip(line.x, line.y, strict=True)]
        kept = points[:1]
        for point in points[1:-1]:
            if abs(point[0] - kept[-1][0]) >= 0.5 or abs(point[1] - kept[-1][1]) >= 0.5:
                kept.append(point)
        kept += points[1:][-1:]
        return "M" + "L".join(f"{x:g} {y:g}" for x, y in kept) if kept else ""

    def dots(self, line: Line) -> str:
        """Return all points as one path of lines without length; to half a unit, and equal ones
        only once, so that 100,000 points are not too many."""
        places = ((self.left(x), self.top(y)) for x, y in zip(line.x, line.y, strict=True))
        points = {(round(2 * x) / 2, round(2 * y) / 2): None for x, y in places}
        return "".join(f"M{x:g} {y:g}h0" for x, y in points)

    def whiskers(self, line: Line) -> str:
        """Return the intervals as one path."""
        ends = zip(line.x, line.low, line.high, strict=True) if len(line.low) else ()
        return "".join(f"M{self.left(x):g} {self.top(a):g}V{self.top(b):g}" for x, a, b in ends)


def class_colour(k: int) -> str:
    """Return the colour of the k-th class, as `Line.colour`."""
    return f"c{k % len(OKABE_ITO)}"


def stamp_lines(stamps: str) -> list[str]:
    """Return stamps as the lines at the bottom of a chart."""
    return textwrap.wrap(stamps, STAMP_LINE)
