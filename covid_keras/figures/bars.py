"""Grouped bars of an accuracy, with the range over runs and published values beside them."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from covid_keras.figures.canvas import colour, footnote, new_figure, wrapped

GREY = "#999999"
HATCHES = ("", "///", "...", "xxx", "\\\\\\", "++")
LINE = 0.14
"""Height of a line of the caption in inches."""
ROOM = 8
"""Percentage points below the lowest bar at which the axis may start."""


@dataclass(frozen=True)
class Panel:
    """Bars of one factor."""

    label: str
    """Name of the factor, with its unit."""
    series: Mapping[str, Mapping[str, Sequence[float]]]
    """{series: {level of the factor: accuracy of each run in percent}}; levels may lack."""
    published: Mapping[str, str] = field(default_factory=dict)
    """{name of a bar on the right: accuracy in percent, as printed}."""

    marks: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """{(series, level): published accuracy in percent}, a diamond on that bar."""

    @property
    def levels(self) -> list[str]:
        """All levels, in the order in which the series name them."""
        return list(dict.fromkeys(level for line in self.series.values() for level in line))

    @property
    def values(self) -> list[float]:
        """All accuracies."""
        runs = (run for line in self.series.values() for runs in line.values() for run in runs)
        return [*runs, *map(float, self.published.values()), *self.marks.values()]


def bars_figure(
    panels: Sequence[Panel], title: str, ylabel: str, caption: str, stamps: Sequence[str] = ()
) -> Figure:
    """Draw the panels side by side: bars are medians, whiskers smallest to largest run.

    Args:
        panels: one or two; they share the axis of the accuracy.
        title, caption: above and below; `ylabel` names the accuracy and its images.
        stamps: Warnings about the runs, shown at the top.
    """
    values = [value for panel in panels for value in panel.values]
    lowest = max(0, 5 * math.floor((min(values) - ROOM) / 5))
    caption += f" The axis starts at {lowest} %." if lowest else ""
    below = 0.95 + LINE * len(wrapped(caption))
    height = 3.9 + below + 0.2 * len(stamps)
    figure, top = new_figure(height, stamps, title)
    widths = [len(panel.levels) + 0.8 * len(panel.published) for panel in panels]
    edges = {"left": 0.095, "right": 0.985, "top": top - 0.05, "bottom": below / height}
    grid = edges | {"wspace": 0.06, "width_ratios": widths}
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False, gridspec_kw=grid)[0]
    for each, panel in zip(axes, panels, strict=True):
        _draw(each, panel)
        each.set_ylim(lowest, min(106, max(values) + 0.12 * (max(values) - lowest) + 0.5))
    axes[0].set_ylabel(ylabel)
    axes[0].set_yticks([tick for tick in axes[0].get_yticks() if lowest <= tick <= 100])
    parts = [zip(*each.get_legend_handles_labels(), strict=True) for each in axes]
    handles = {name: handle for part in parts for handle, name in part}
    handles = dict(sorted(handles.items(), key=lambda item: "published" in item[0]))
    place = {"loc": "upper left", "bbox_to_anchor": (0.01, top + 0.2 / height)}
    figure.legend(handles.values(), handles, ncols=6, fontsize=9, frameon=False, **place)
    footnote(figure, caption)
    return figure


def _draw(axes: Axes, panel: Panel) -> None:
    """Draw a group of bars for each level, then the published bars."""
    levels, width = panel.levels, 0.84 / len(panel.series)
    small = 6 if width < 0.25 else 7 if width < 0.3 else 8
    for k, (name, line) in enumerate(panel.series.items()):
        style = {"color": colour(k), "hatch": HATCHES[k % len(HATCHES)], "edgecolor": "white"}
        for number, level in enumerate(levels):
            if runs := line.get(level):
                place = number + (k - (len(panel.series) - 1) / 2) * width
                centre, low, high = median(runs), min(runs), max(runs)
                axes.bar(place, centre, 0.94 * width, label=name, **style)
                if len(runs) > 1:
                    reach = [[centre - low], [high - centre]]
                    axes.errorbar(place, centre, reach, color="black", linewidth=1, capsize=3)
                above = high
                if mark := panel.marks.get((name, level)):
                    diamond = {"color": "black", "markersize": 5, "linestyle": ""}
                    axes.plot(place, mark, "D", label="published, same row", **diamond)
                    above = max(high, mark) if -1 < mark - high < 2 else high
                text = {"ha": "center", "va": "bottom", "fontsize": small}
                text |= {"xytext": (0, 5), "textcoords": "offset points"}
                axes.annotate(f"{centre:.1f}", (place, above), **text)
    places = [len(levels) + 0.1 + 0.8 * number for number in range(len(panel.published))]
    if places:
        heights = list(map(float, panel.published.values()))
        bars = axes.bar(places, heights, 0.6, color=GREY, label="published")
        axes.bar_label(bars, list(panel.published.values()), fontsize=8, padding=2)
    ticks = [*levels, *(textwrap.fill(name, 11) for name in panel.published)]
    axes.set_xticks([*range(len(levels)), *places], ticks, fontsize=8)
    axes.set_xlabel(panel.label)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", alpha=0.25)
    axes.set_axisbelow(True)
