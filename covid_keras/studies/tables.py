"""A study's table as Markdown, ours and the paper's."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

from covid_keras.runs.environment import environment
from covid_keras.runs.folder import Run
from covid_keras.studies import results
from covid_keras.studies.execute import Source, changes
from covid_keras.studies.study import Study
from covid_keras.utils.files import read_json, write_json, write_text
from covid_keras.utils.text import text_table


def table(
    study: Study, found: dict[str, list[dict]], failed: dict[str, str], changes: Sequence[str] = ()
) -> str:
    """Markdown: a line of ours and a line of the paper's for every row, the paper's other lines,
    what it all rests on, `changes` of the method, and what failed. Every metric is in percent, and
    of the test images unless its title says so."""
    planned = {row: sum(trial.row == row for trial in study.trials) for row in study.rows}
    lines = [
        ("", "runs", *(column.title for column in study.columns)),
        ("---",) * (len(study.columns) + 2),
    ]
    for row in study.rows:
        runs = found[row]
        count = f"{len(runs)}" if len(runs) == planned[row] else f"{len(runs)} of {planned[row]}"
        values = [[results.value(run, column) for run in runs] for column in study.columns]
        lines.append((row, count, *(results.cell(one, study.spread) for one in values)))
        if study.paper.get(row):
            lines.append(("- the paper", "", *study.paper[row]))
    others = [row for row in study.paper if row not in study.rows]
    lines += [(f"{row}, the paper", "", *study.paper[row]) for row in others]
    parts = [f"# {study.title}", *(f"**{stamp}**" for stamp in results.stamps(found))]
    parts.append("\n".join(f"| {line} |" for line in text_table(lines, "<", " | ")))
    parts.append(f"In percent, {study.spread} over runs.")
    if changes:
        parts.append(f"Ours, not the paper's settings: {'; '.join(changes)}.")
    parts += study.notes
    parts += [f"FAILED {folder}: {reason}" for folder, reason in failed.items()]
    return "\n\n".join(parts) + "\n"


def write_summary(
    study: Study, out: Path, source: Source, found: dict[str, list[dict]], failed: dict[str, str]
) -> str:
    """Write table.md and study.json into the study's folder; returns the table."""
    text = table(study, found, failed, changes(study, source))
    write_text(out / "table.md", text)
    runs = [
        {
            "row": trial.row,
            "folder": str(trial.folder),
            "settings": trial.all_settings,
            "weights": trial.weights,
            "seed": trial.seed,
            "hours": _hours(out / trial.folder),
            "commit": _commit(out / trial.folder),
            "failed": failed.get(str(trial.folder)),
        }
        for trial in study.trials
    ]
    summary = {"title": study.title, "recipe": study.recipe, "quick": source.quick, "runs": runs}
    write_json(out / "study.json", summary | {"environment": environment(source.data)})
    return text


def on_screen(text: str, width: int = 100) -> str:
    """The table's text with its long lines wrapped."""
    return "\n".join(
        line if line.startswith("|") else textwrap.fill(line, width) for line in text.splitlines()
    )


def _hours(run: Path) -> float | None:
    """Of training, from the log's last row; None where there is no log."""
    log = Run(run).log_file
    if not log.exists():
        return None
    header, *_, last = log.read_text(encoding="utf-8").splitlines()
    fields = dict(zip(header.split(","), last.split(","), strict=True))
    return round(float(fields["seconds"]) / 3600, 4)


def _commit(run: Path) -> str | None:
    """Of the source tree that trained the run; None where it is not known."""
    file = Run(run).environment_file
    return read_json(file)["commit"] if file.exists() else None
