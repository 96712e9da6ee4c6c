"""A study's table as Markdown, our runs beside the paper's, and study.json."""

import statistics
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path

import pandas as pd

from covid_keras.runs.environment import environment
from covid_keras.runs.run import Run
from covid_keras.studies.execute import finished_runs
from covid_keras.studies.study import Column, Source, Study, changes
from covid_keras.utils.files import read_json, read_json_value, write_json, write_text
from covid_keras.utils.text import text_table


def read_metrics(study: Study, out: Path) -> dict[str, list[dict]]:
    """Return metrics.json of the finished runs of each row."""
    rows = finished_runs(study, out)
    return {row: [read_json(run.metrics_file) for run in runs] for row, runs in rows.items()}


def write_table(study: Study, out: Path, source: Source, failed: Mapping[str, str]) -> str:
    """Write table.md and study.json into the study's folder; return the table."""
    text = table(study, read_metrics(study, out), failed, changes(study, source))
    write_text(out / "table.md", text)
    runs = [
        {
            "row": trial.row,
            "folder": str(trial.folder),
            "settings": trial.all_settings,
            "weights": trial.weights,
            "seed": trial.seed,
            **_training(Run(out / trial.folder)),
            "failed": failed.get(str(trial.folder)),
        }
        for trial in study.trials
    ]
    summary = {"title": study.title, "recipe": study.recipe, "quick": source.quick, "runs": runs}
    write_json(out / "study.json", summary | {"environment": environment(source.data)})
    return text


def table(
    study: Study,
    metrics: Mapping[str, Sequence[dict]],
    failed: Mapping[str, str],
    changes: Sequence[str] = (),
) -> str:
    """Return a line of ours and one of the paper's for each row, and the notes below them.

    Args:
        metrics: {row: metrics.json of each finished run}.
        failed: {folder of a failed run: reason}.
        changes: how all runs differ from the paper's.
    """
    lines = [("", "runs", *(column.title for column in study.columns))]
    lines.append(("---",) * len(lines[0]))
    for row, trials in study.rows.items():
        runs = metrics[row]
        count = f"{len(runs)}" if len(runs) == len(trials) else f"{len(runs)} of {len(trials)}"
        values = [[value(run, column) for run in runs] for column in study.columns]
        lines.append((row, count, *(cell(each, study.spread) for each in values)))
        if row in study.paper:
            lines.append(("- the paper", "", *study.paper[row]))
    others = {row: cells for row, cells in study.paper.items() if row not in study.rows}
    lines += [(f"{row}, the paper", "", *cells) for row, cells in others.items()]
    parts = [
        f"# {study.title}",
        *(f"**{stamp}**" for stamp in stamps(metrics)),
        "\n".join(f"| {line} |" for line in text_table(lines, "<", " | ")),
        f"In percent, {study.spread} over runs.",
        *([f"Changed settings: {'; '.join(changes)}."] if changes else []),
        *study.notes,
        *(f"FAILED {folder}: {reason}" for folder, reason in failed.items()),
    ]
    return "\n\n".join(parts) + "\n"


def value(metrics: dict, column: Column) -> float | None:
    """Return one metric of one run as a fraction in [0, 1]; None if undefined or not measured."""
    split = metrics["splits"].get(column.split)
    result = split.get(column.at) if split and column.at else split
    if result is None:
        return None
    if column.label is None:
        return result["metrics"][column.metric]["value"]
    return result["per_class"][split["classes"][column.label]][column.metric]["value"]


def cell(values: Sequence[float | None], spread: str) -> str:
    """Return the summary of several runs in percent: "87.3 (3.2)" or "87.3 [84.1, 90.0]".

    Args:
        values: fractions; None where undefined.
        spread: "mean (std)", with the standard deviation of the sample, or "median [min, max]".
    """
    known = [100 * value for value in values if value is not None]
    if len(known) < len(values):
        return f"undefined in {len(values) - len(known)} of {len(values)}"
    if not known:
        return ""
    if len(known) == 1:
        return f"{known[0]:.1f}"
    if spread == "mean (std)":
        return f"{statistics.mean(known):.1f} ({statistics.stdev(known):.1f})"
    return f"{statistics.median(known):.1f} [{min(known):.1f}, {max(known):.1f}]"


def stamps(metrics: Mapping[str, Sequence[dict]]) -> list[str]:
    """Return the stamps of all runs, most serious first, each once."""
    runs = chain.from_iterable(metrics.values())
    return list(dict.fromkeys(chain.from_iterable(run["stamps"] for run in runs)))


def _training(run: Run) -> dict[str, object]:
    """Return the hours of training and the commit of the source code; None if not known."""
    log, made_by = run.log_file, run.environment_file
    hours = float(pd.read_csv(log)["seconds"].iloc[-1]) / 3600 if log.exists() else None
    commit = read_json_value(made_by, "commit") if made_by.exists() else None
    return {"hours": hours and round(hours, 4), "commit": commit}
