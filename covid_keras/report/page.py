"""The parts of a page, as values: what `templates/page.html` lays out, for every kind of page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from covid_keras.metrics.sentences import percent
from covid_keras.metrics.verdict_words import TOPICS, Sentence
from covid_keras.report.charts import Chart

LABEL = 30
"""Characters of a label that fit beside its bar."""
LONG, MOST = 40, 6
"""Characters of a cell and columns of a table that fit beside others on a narrow screen."""


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    kind: ClassVar[str] = "text"
    text: str
    small: bool = False


@dataclass(frozen=True)
class Bullets:
    """A list of sentences."""

    kind: ClassVar[str] = "bullets"
    items: Sequence[str]


@dataclass(frozen=True)
class Links:
    """A list of links to files beside the page."""

    kind: ClassVar[str] = "links"
    files: Mapping[str, str]
    """{what is shown: path from the page}."""


@dataclass(frozen=True)
class Code:
    """Lines to paste into a shell."""

    kind: ClassVar[str] = "code"
    text: str


@dataclass(frozen=True)
class Table:
    """A table; the first cell of a row names it."""

    kind: ClassVar[str] = "table"
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    name: str
    """What it holds, for readers that do not see it."""
    numbers: bool = True
    """Whether all columns but the first are numbers."""

    @property
    def layout(self) -> str:
        """How it is laid out where the page is narrow: a pair of columns, or row below row."""
        if len(self.header) == 2:
            return "pair"
        wide = any(len(str(cell)) > LONG for row in self.rows for cell in row)
        return "stack" if wide or len(self.header) > MOST else ""


@dataclass(frozen=True)
class Bar:
    """A number with its interval, drawn on the scale of its `Bars`."""

    label: str
    text: str
    """Number and interval, as they are printed."""
    value: float | None
    low: float | None
    high: float | None
    colour: int | None = None
    """Of a class: its place among the classes."""


@dataclass(frozen=True)
class Bars:
    """Numbers with intervals on one scale, one below the other."""

    kind: ClassVar[str] = "bars"
    rows: Sequence[Bar]
    title: str = ""
    low: float = 0.0
    high: float = 1.0
    mark: float | None = None
    """Where a line is drawn through all rows, such as 0 or the score of all images."""

    @property
    def wide(self) -> bool:
        """Whether each label and number stand above their bar, which is then longer."""
        return self.mark is not None or any(len(bar.label) > LABEL for bar in self.rows)

    def place(self, value: float) -> float:
        """Return where a value is on the scale, in percent of its length."""
        return round(100 * min(max((value - self.low) / (self.high - self.low), 0), 1), 2)


@dataclass(frozen=True)
class Card:
    """A score card: one number that counts, its interval, and what it is compared with."""

    title: str
    note: str
    """Of how many patients or images."""
    bar: Bar
    marks: Mapping[str, float]
    """{what it is compared with: where that is on the scale from 0 to 1}."""

    place = staticmethod(Bars(()).place)


@dataclass(frozen=True)
class Matrix:
    """A confusion matrix."""

    kind: ClassVar[str] = "matrix"
    name: str
    """What it is of, for readers that do not see it."""
    classes: Sequence[str]
    counts: Sequence[Sequence[float]]

    def share(self, row: int, column: int) -> float:
        """Return a cell's share of the true class's images, in percent."""
        return 100 * self.counts[row][column] / max(sum(self.counts[row]), 1)


@dataclass(frozen=True)
class Picture:
    """An image as a data URI, with what it shows in words."""

    kind: ClassVar[str] = "picture"
    source: str
    caption: str
    colour: int | None = None
    """Of its true class: its place among the classes."""


@dataclass(frozen=True)
class Gallery:
    """Small pictures in rows."""

    kind: ClassVar[str] = "gallery"
    pictures: Sequence[Picture]


@dataclass(frozen=True)
class Side:
    """Parts that stand side by side where there is room."""

    kind: ClassVar[str] = "side"
    blocks: Sequence["Block"]


@dataclass(frozen=True)
class Section:
    """A part of the page that folds."""

    kind: ClassVar[str] = "section"
    title: str
    blocks: Sequence["Block"]
    open: bool = False


Block = (
    Text
    | Bullets
    | Links
    | Code
    | Table
    | Bars
    | Matrix
    | Picture
    | Gallery
    | Side
    | Section
    | Chart
)


@dataclass(frozen=True)
class Page:
    """A whole page."""

    title: str
    lead: str
    stamps: Sequence[str]
    verdict: Sequence[Sentence] = ()
    cards: Sequence[Card] = ()
    sections: Sequence[Section] = ()
    brackets: str = "95 % intervals"
    """What stands in brackets in the verdict and on the cards."""

    @property
    def answers(self) -> list[tuple[str, list[Sentence]]]:
        """The sentences of each topic that has any."""
        topics = ((t, [s for s in self.verdict if s.topic == t]) for t in TOPICS)
        return [(topic, sentences) for topic, sentences in topics if sentences]

    @property
    def hovers(self) -> bool:
        """Whether a chart shows images at its points."""
        blocks = (block for section in self.sections for block in section.blocks)
        return any(isinstance(block, Chart) and block.spots for block in blocks)

    @property
    def short_stamps(self) -> str:
        """The stamps without their explanations, for a figure."""
        return " · ".join(stamp.partition(":")[0].upper() for stamp in self.stamps)


def metric_bar(label: str, entry: Mapping, colour: int | None = None) -> Bar:
    """Return a metric of metrics.json as a bar."""
    return Bar(label, percent(entry), entry["value"], entry["low"], entry["high"], colour)


def settings(values: Mapping[str, str], name: str) -> Table | Text:
    """Return a table of settings and their values."""
    if not values:
        return Text("Not known.")
    return Table(("setting", "value"), [*values.items()], name, numbers=False)
