"""Paired differences between the rows of a study, on the same test images, with intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from covid_keras.metrics.comparison import aligned, difference
from covid_keras.metrics.intervals import Estimate, mean_estimate
from covid_keras.metrics.predictions import Predictions
from covid_keras.metrics.scores import estimates
from covid_keras.runs.predictions_file import read_predictions
from covid_keras.runs.run import Run
from covid_keras.studies.execute import finished
from covid_keras.studies.study import Column, Study, Trial
from covid_keras.utils import latex
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import write_text
from covid_keras.utils.text import csv_text, markdown_page

NOTE = (
    "Second minus first, in percentage points, with 95 % intervals from the influence of each"
    " patient (of each image, where ids are missing) on both rows. Folds are joined to one set of"
    " images; seeds are averaged, and their spread is not in the intervals. The intervals are not"
    " widened for the number of comparisons."
)


def differences(study: Study, out: Path) -> pd.DataFrame:
    """Return the differences of all pairs of rows, the study's reference row first, in points.

    The columns are first, second, metric, images, seeds, difference, low, high and p. A pair is
    compared on the seeds that both rows have finished; rows with other test images have none.
    """
    columns = [column for column in study.columns if column.split == "test" and not column.at]
    tested = {row: _by_seed(out, trials) for row, trials in study.rows.items()}
    lines: list[dict] = []
    rows = sorted(study.rows, key=lambda row: row != study.reference)
    for first, second in combinations(rows, 2):
        for line in _pair(tested[first], tested[second], columns):
            lines.append({"first": first, "second": second, **line})
    return pd.DataFrame(lines)


def write_differences(study: Study, out: Path, stamps: Sequence[str]) -> tuple[str, list[Path]]:
    """Write differences.md and .tex, of each row from the reference, and .csv, of all pairs.

    Returns:
        The text of differences.md and the paths; "" and none if no two rows can be compared.
    """
    pairs = differences(study, out)
    if pairs.empty:
        return "", []
    title = f"{study.title}: differences from {pairs['first'].iloc[0]}"
    lines = from_first(pairs)
    caption = " ".join(f"{part.rstrip('.')}." for part in (title, *stamps, NOTE))
    align, label = "l" + "r" * (len(lines[0]) - 1), f"{study.name}-differences"
    contents = {
        "md": markdown_page(title, lines, stamps, [NOTE]),
        "csv": csv_text(pairs, float_format="%.6g"),
        "tex": latex.table([lines[:1], lines[1:]], align, caption, label),
    }
    for kind, content in contents.items():
        write_text(out / f"differences.{kind}", content)
    return contents["md"], [out / f"differences.{kind}" for kind in contents]


def from_first(pairs: pd.DataFrame) -> list[list[str]]:
    """Return header and rows as text: every other row of the study minus the first of the pairs."""
    pairs = pairs[pairs["first"] == pairs["first"].iloc[0]]
    metrics = list(dict.fromkeys(pairs["metric"]))
    cells = {(line.second, line.metric): _text(line) for line in pairs.itertuples()}
    rows = dict.fromkeys(pairs["second"])
    return [["", *metrics], *([row, *(cells[row, name] for name in metrics)] for row in rows)]


def _by_seed(out: Path, trials: Sequence[Trial]) -> dict[int, Predictions]:
    """Return the predictions of each seed whose runs have finished, its folds joined."""
    folders: dict[int, list[Path]] = {}
    for trial in trials:
        folders.setdefault(trial.seed, []).append(out / trial.folder)
    return {
        seed: _joined([read_predictions(Run(path).predictions_file("test")) for path in paths])
        for seed, paths in folders.items()
        if all(map(finished, paths))
    }


def _joined(folds: Sequence[Predictions]) -> Predictions:
    return replace(
        folds[0],
        table=pd.concat([fold.table for fold in folds], ignore_index=True),
        labels=np.concatenate([fold.labels for fold in folds]),
        probabilities=np.concatenate([fold.probabilities for fold in folds]),
    )


def _pair(
    first: Mapping[int, Predictions],
    second: Mapping[int, Predictions],
    columns: Sequence[Column],
) -> list[dict]:
    """Return a line for each column; none if no seed is in both or the images differ."""
    seeds = [seed for seed in first if seed in second]
    if not seeds:
        return []
    reference = first[seeds[0]]
    try:
        both = [[aligned(reference, row[seed]) for seed in seeds] for row in (first, second)]
    except InputError:
        return []
    found = [[estimates(predictions) for predictions in row] for row in both]
    shared = {"images": len(reference.labels), "seeds": len(seeds)}
    lines = []
    for column in columns:
        before, after = (_mean(row, column, reference.classes) for row in found)
        lines.append({"metric": column.title, **shared, **_numbers(before, after)})
    return lines


def _mean(
    found: Sequence[Mapping[str, Estimate | list[Estimate]]],
    column: Column,
    classes: Sequence[str],
) -> Estimate:
    """Return the mean of a column's metric over the seeds."""
    parts = [of_seed[column.metric] for of_seed in found]
    if column.label is not None:
        parts = [part[column.place(classes)] for part in parts]
    return mean_estimate(parts)


def _numbers(before: Estimate, after: Estimate) -> dict[str, float | None]:
    """Return difference, low and high in percentage points, and p; None where undefined."""
    item = difference(before, after)
    low, high = (None if bound is None else 100 * bound for bound in (item.low, item.high))
    return {"difference": 100 * item.value, "low": low, "high": high, "p": item.p}


def _text(line) -> str:
    """Return "+1.2 [-0.3, 2.7]"; "undefined" where a metric is."""
    if pd.isna(line.difference):
        return "undefined"
    bounds = "" if pd.isna(line.low) else f" [{line.low:+.1f}, {line.high:+.1f}]"
    return f"{line.difference:+.1f}{bounds}"
