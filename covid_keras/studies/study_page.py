"""report.html of a study: its verdict, its rows drawn, its tables and figures."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from covid_keras.metrics.verdict import confounded, external, leaks, subgroups, synthetic
from covid_keras.metrics.verdict_words import (
    AGAINST,
    COMPARED,
    FOR,
    GOOD,
    OPEN,
    WHAT,
    Sentence,
    listed,
)
from covid_keras.report.members_page import page_links
from covid_keras.report.page import Bar, Bars, Block, Bullets, Page, Section, Side, Table, Text
from covid_keras.report.pictures import pictures
from covid_keras.report.render import write_page
from covid_keras.studies.differences import NOTE, differences, from_first
from covid_keras.studies.row_verdict import of_row
from covid_keras.studies.study import Source, Study, changes, kept_note
from covid_keras.studies.study_rows import Row, mark, rows, shortcut_notes
from covid_keras.studies.study_table import run_metrics, stamps, texts
from covid_keras.utils.text import count, short_path


def write_study_page(
    study: Study, out: Path, source: Source, failed: Mapping[str, str], figures: Sequence[Path]
) -> Path:
    """Write report.html into the study's folder; return its path.

    Args:
        failed: {folder of a failed run: reason}.
        figures: PNGs that the page shows.
    """
    metrics = run_metrics(study, out)
    lines, pairs = rows(study, metrics, mark(study, source)), differences(study, out)
    header, *cells = texts(study, lines)
    header[0] = "row"
    notes = [
        f"In percent, {study.spread} over runs.",
        *([f"Published: {study.published.source}."] if study.published else []),
        kept_note(study, source),
        *shortcut_notes(study, metrics),
    ]
    sections = [
        Section("Rows", [Side(_drawn(study, lines)), Text(_bar_note(study), True)], open=True),
        Section("Table", [Table(header, cells, study.title), *map(Text, notes)], open=True),
        Section("Paired differences", _differences(pairs)),
        Section("Pages of the rows", [*page_links(out, _places(study, metrics))]),
        Section("Settings that differ from the paper", _changed(study, source)),
        Section("Failed runs", _failed(failed), open=True),
        Section("Figures", pictures({"figures": figures})["figures"]),
    ]
    page = Page(
        title=study.title,
        lead=f"{count(len(study.rows), 'row')}, {count(len(study.trials), 'run')}",
        stamps=stamps(metrics),
        verdict=_verdict(study, metrics, lines, pairs),
        sections=[section for section in sections if section.blocks],
    )
    write_page(out / "report.html", page)
    return out / "report.html"


def _verdict(
    study: Study, metrics: Mapping[str, Sequence[dict]], lines: Sequence[Row], pairs: pd.DataFrame
) -> list[Sentence]:
    """Return what was run, the best row, which differ, and what is unknown."""
    done = sum(map(len, metrics.values()))
    runs = f"{done} of {count(len(study.trials), 'run')} of the recipe {study.recipe}"
    facts = [run["training"] for each in metrics.values() for run in each if "training" in run]
    names = dict.fromkeys(fact["dataset"] for fact in facts)
    of = f" on {listed([*names])}" if names else ""
    found = [Sentence(WHAT, f"{runs}{of} have finished.")]
    column = study.columns[0].title
    scored = [line for line in lines if line.name in study.rows and line.cells[0].numbers]
    known = [line for line in scored if not line.mark]
    found += [_published(column, line, known) for line in scored if line.mark]
    if known:
        best = max(known, key=lambda line: line.cells[0].numbers[0])
        level = "" if study.columns[0].at else " by image"
        spread = f"in percent, {study.spread} over {best.runs} runs"
        text = f"Highest {column}{level}: {best.name}, {best.cells[0].text}; {spread}."
        found.append(Sentence(GOOD, text))
        found += of_row(study, best.name, metrics[best.name])
    if not pairs.empty:
        first = pairs[(pairs["first"] == pairs["first"].iloc[0]) & (pairs["metric"] == column)]
        found += [_compared(line) for line in first.itertuples()]
    first = next((runs[0] for runs in metrics.values() if runs), None)
    rules = (synthetic, leaks, confounded, external, subgroups) if first else ()
    return found + [sentence for rule in rules for sentence in rule(first, "test")]


def _places(study: Study, metrics: Mapping[str, Sequence[dict]]) -> list[str]:
    """Return the folder of each row that has a finished run."""
    return [str(t[0].folder.parts[0]) for row, t in study.rows.items() if metrics[row]]


def _published(column: str, line: Row, known: Sequence[Row]) -> Sentence:
    """Return what is published of a row, beside what ours reached."""
    ours = next((row.cells[0].text for row in known if row.name == line.name), "not finished")
    text = f"{line.name}: {column} {ours}; {line.mark}: {line.cells[0].text}."
    return Sentence(COMPARED, text)


def _compared(line) -> Sentence:
    """Return whether a row is better than the first, by the study's first metric."""
    text, tone = f"{line.second} is not shown to differ from {line.first}", OPEN
    if pd.notna(line.low) and line.low > 0:
        text, tone = f"{line.second} is better than {line.first}", FOR
    elif pd.notna(line.high) and line.high < 0:
        text, tone = f"{line.second} is worse than {line.first}", AGAINST
    bounds = "" if pd.isna(line.low) else f" [{line.low:+.1f}, {line.high:+.1f}]"
    return Sentence(COMPARED, f"{text}: {line.metric} {line.difference:+.1f} points{bounds}.", tone)


def _drawn(study: Study, lines: Sequence[Row]) -> list[Block]:
    """Return each column of the table as bars on a scale from 0 to 100."""
    charts = []
    for place, column in enumerate(study.columns):
        bars = [_bar(study, line, place) for line in lines if line.cells[place].numbers]
        if bars:
            low = max(0, 10 * math.floor(min(bar.value - 5 for bar in bars) / 10))
            charts.append(Bars(bars, f"{column.title}, from {low} to 100 %", low, 100))
    return charts


def _bar(study: Study, line: Row, place: int) -> Bar:
    """Return a cell as a bar: ours with its spread; published ones are marked."""
    cell = line.cells[place]
    centre, *spread = cell.numbers
    low = high = None
    if len(spread) == 2:
        low, high = spread
    elif spread:
        low, high = max(0.0, centre - spread[0]), min(100.0, centre + spread[0])
    name = line.name + (f", {line.mark}" if line.mark else f" (runs: {line.runs})")
    return Bar(name, cell.text, centre, low, high)


def _bar_note(study: Study) -> str:
    bars = "one standard deviation" if study.spread == "mean (std)" else "the smallest and largest"
    return f"In percent. Bars: {bars} of the runs, no intervals."


def _differences(pairs: pd.DataFrame) -> list[Block]:
    if pairs.empty:
        return []
    header, *cells = from_first(pairs)
    header[0] = "row"
    title = f"Minus {pairs['first'].iloc[0]}"
    return [Text(f"{title}."), Table(header, cells, title), Text(NOTE, True)]


def _changed(study: Study, source: Source) -> list[Block]:
    given = [short_path(change) for change in changes(study, source)]
    return [Bullets(given)] if given else []


def _failed(failed: Mapping[str, str]) -> list[Block]:
    return [Bullets([f"{name}: {reason}" for name, reason in failed.items()])] if failed else []
