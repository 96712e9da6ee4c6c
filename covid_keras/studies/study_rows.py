"""The rows of a study's table: what our runs reached, and what is published."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from covid_keras import recipes
from covid_keras.studies.study import Column, Source, Study

BOUNDS = {"mean (std)": ("std",), "median [min, max]": ("min", "max")}
"""{how a cell summarises its runs: what it gives beside the centre}."""
PUBLISHED, ELSEWHERE = "published", "published, another data set"


@dataclass(frozen=True)
class Cell:
    """One metric of one row, in percent."""

    text: str = ""
    """As it is shown: "87.3 (3.2)", "87.3 [84.1, 90.0]", "87.3", or "" if not known."""
    numbers: tuple[float, ...] = ()
    """The centre, then what `BOUNDS` names, if there are several runs."""


@dataclass(frozen=True)
class Row:
    """A row of the table."""

    name: str
    runs: str
    """Number of runs, such as "5" or "3 of 5"; "" of a published row."""
    cells: tuple[Cell, ...]
    mark: str = ""
    """`PUBLISHED` or `ELSEWHERE`; "" of our runs."""


def mark(study: Study, source: Source) -> str:
    """Return the mark of published rows: whether the runs use the data set that they are of."""
    used = source.dataset or recipes.get(study.recipe).data.dataset
    same = study.published and source.data and used == study.published.dataset
    return PUBLISHED if same else ELSEWHERE


def rows(study: Study, metrics: Mapping[str, Sequence[dict]], mark: str) -> list[Row]:
    """Return our rows, each with what is published of it below, then what else is published.

    Args:
        metrics: {row: metrics.json of each finished run}.
        mark: of the published rows.
    """
    result = []
    known = study.published.rows if study.published else {}
    for name, trials in study.rows.items():
        runs = metrics[name]
        count = f"{len(runs)}" if len(runs) == len(trials) else f"{len(runs)} of {len(trials)}"
        values = ([value(run, column) for run in runs] for column in study.columns)
        result.append(Row(name, count, tuple(summary(each, study.spread) for each in values)))
        if name in known:
            result.append(_published(study, name, mark))
    return result + [_published(study, name, mark) for name in known if name not in study.rows]


def shortcut_notes(study: Study, metrics: Mapping[str, Sequence[dict]]) -> list[str]:
    """Return a line for each row whose runs all have probes, and for each with matched images.

    Args:
        metrics: {row: metrics.json of each finished run}.
    """
    parts = (("probes", "attributes", "probes"), ("matched", "classes", "matched test images"))
    lines = []
    for row, runs in metrics.items():
        for part, entries, title in parts:
            found = _areas([run.get(part, {}).get(entries, {}) for run in runs])
            cells = [f"{name} {summary(v, study.spread).text}" for name, v in found.items()]
            lines += [f"{row}, {title}, AUC: {', '.join(cells)}."] if cells else []
    return lines


def _areas(runs: Sequence[Mapping]) -> dict[str, list[float | None]]:
    """Return {name of an entry that every run has: its AUC in each}, None where it was refused."""
    names = [name for name in runs[0] if all(name in run for run in runs)] if runs else []
    return {name: [(run[name]["auc"] or {}).get("value") for run in runs] for name in names}


def _published(study: Study, name: str, mark: str) -> Row:
    cells = study.published.cells(name, [column.title for column in study.columns])
    return Row(name, "", tuple(map(printed, cells)), mark)


def printed(cell: str) -> Cell:
    """Return a published cell, such as "99.2" or "95.1 (1.3)"."""
    numbers = cell.replace("(", "").replace(")", "").split()
    return Cell(cell, tuple(map(float, numbers)))


def value(metrics: dict, column: Column) -> float | None:
    """Return one metric of one run as a fraction in [0, 1]; None if undefined or not measured."""
    split = metrics["splits"].get(column.split)
    result = split.get(column.at) if split and column.at else split
    if result is None:
        return None
    if column.label is None:
        return result["metrics"][column.metric]["value"]
    label = split["classes"][column.place(split["classes"])]
    return result["per_class"][label][column.metric]["value"]


def summary(values: Sequence[float | None], spread: str) -> Cell:
    """Return the summary of several runs in percent.

    Args:
        values: fractions; None where undefined.
        spread: "mean (std)", with the standard deviation of the sample, or "median [min, max]".
    """
    known = [100 * value for value in values if value is not None]
    if len(known) < len(values):
        return Cell(f"undefined in {len(values) - len(known)} of {len(values)}")
    if not known:
        return Cell()
    if len(known) == 1:
        return Cell(f"{known[0]:.1f}", tuple(known))
    if spread == "mean (std)":
        centre, std = statistics.mean(known), statistics.stdev(known)
        return Cell(f"{centre:.1f} ({std:.1f})", (centre, std))
    centre, low, high = statistics.median(known), min(known), max(known)
    return Cell(f"{centre:.1f} [{low:.1f}, {high:.1f}]", (centre, low, high))
