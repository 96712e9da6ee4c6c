"""A study's table as text, CSV and LaTeX, ours beside what is published, and study.json."""

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path

import pandas as pd

from covid_keras.runs.environment import environment
from covid_keras.runs.metrics_file import read_metrics
from covid_keras.runs.run import Run
from covid_keras.studies.execute import finished_runs
from covid_keras.studies.study import Source, Study, changes, kept_note, recipe_of
from covid_keras.studies.study_rows import BOUNDS, Row, mark, rows, shortcut_notes
from covid_keras.utils import latex
from covid_keras.utils.files import read_json_value, write_json, write_text
from covid_keras.utils.text import csv_text, markdown_page


def run_metrics(study: Study, out: Path) -> dict[str, list[dict]]:
    """Return metrics.json of the finished runs of each row."""
    rows = finished_runs(study, out)
    return {row: [read_metrics(run.metrics_file) for run in runs] for row, runs in rows.items()}


def write_table(
    study: Study, out: Path, source: Source, failed: Mapping[str, str]
) -> tuple[str, list[Path]]:
    """Write table.md, table.csv, table.tex and study.json into the study's folder.

    Returns:
        The text of table.md, and the paths.
    """
    metrics = run_metrics(study, out)
    lines, warnings = rows(study, metrics, mark(study, source)), stamps(metrics)
    given = changes(study, source)
    notes = [
        f"In percent, {study.spread} over runs.",
        *([f"Published: {study.published.source}."] if study.published else []),
        *([f"Changed settings: {'; '.join(given)}."] if given else []),
        kept_note(study, source),
        *shortcut_notes(study, metrics),
        *(f"FAILED {folder}: {reason}" for folder, reason in failed.items()),
    ]
    text = markdown_page(study.title, texts(study, lines), warnings, notes)
    write_text(out / "table.md", text)
    write_text(out / "table.csv", csv_text(frame(study, lines)))
    write_text(out / "table.tex", tex(study, lines, [*warnings, *notes]))
    _write_summary(study, out, source, failed)
    return text, [out / f"table.{kind}" for kind in ("md", "csv", "tex")] + [out / "study.json"]


def tex(study: Study, lines: Sequence[Row], notes: Sequence[str]) -> str:
    """Return the table as LaTeX, the notes in its caption; other works are below a rule."""
    head, *body = texts(study, lines)
    ours = sum(line.name in study.rows for line in lines)
    blocks = [block for block in ([head], body[:ours], body[ours:]) if block]
    caption = " ".join(f"{note.rstrip('.')}." for note in (study.title, *notes))
    return latex.table(blocks, "lr" + "r" * len(study.columns), caption, study.name)


def texts(study: Study, lines: Sequence[Row]) -> list[list[str]]:
    """Return header and rows as text; a published row below ours has only its mark as name."""
    result = [["", "runs", *(column.title for column in study.columns)]]
    for line in lines:
        name = line.name
        if line.mark:
            name = f"- {line.mark}" if name in study.rows else f"{name}, {line.mark}"
        result.append([name, line.runs, *(cell.text for cell in line.cells)])
    return result


def frame(study: Study, lines: Sequence[Row]) -> pd.DataFrame:
    """Return the table as numbers in percent: a column for each centre and each bound."""
    columns = {
        f"{column.title} {bound}".rstrip(): [_number(line, index, place) for line in lines]
        for index, column in enumerate(study.columns)
        for place, bound in enumerate(("", *BOUNDS[study.spread]))
    }
    first = {
        "row": [line.name for line in lines],
        "from": [line.mark or "this study" for line in lines],
        "runs": [line.runs for line in lines],
    }
    return pd.DataFrame(first | columns)


def stamps(metrics: Mapping[str, Sequence[dict]]) -> list[str]:
    """Return the stamps of all runs, most serious first, each once."""
    runs = chain.from_iterable(metrics.values())
    return list(dict.fromkeys(chain.from_iterable(run["stamps"] for run in runs)))


def _number(line: Row, index: int, place: int) -> str:
    numbers = line.cells[index].numbers
    return f"{numbers[place]:.6g}" if place < len(numbers) else ""


def _write_summary(study: Study, out: Path, source: Source, failed: Mapping[str, str]) -> None:
    """Write study.json: every run with its settings, hours of training and commit."""
    runs = [
        {
            "row": trial.row,
            "folder": str(trial.folder),
            "settings": trial.all_settings,
            "weights": recipe_of(study, trial, source, source.data is None).model.weights,
            "seed": trial.seed,
            **_training(Run(out / trial.folder)),
            "failed": failed.get(str(trial.folder)),
        }
        for trial in study.trials
    ]
    summary = {"title": study.title, "recipe": study.recipe, "quick": source.quick, "runs": runs}
    write_json(out / "study.json", summary | {"environment": environment(source.data)})


def _training(run: Run) -> dict[str, object]:
    """Return the hours of training and the commit of the source code; None if not known."""
    log, made_by = run.log_file, run.environment_file
    hours = float(pd.read_csv(log)["seconds"].iloc[-1]) / 3600 if log.exists() else None
    commit = read_json_value(made_by, "commit") if made_by.exists() else None
    return {"hours": hours and round(hours, 4), "commit": commit}
