"""Compare runs, or predictions of any program, on the same images."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from covid_keras.evaluation.tables import read_table
from covid_keras.metrics.comparison import Difference, aligned, holm, paired_differences
from covid_keras.metrics.predictions import Predictions
from covid_keras.metrics.sentences import comparison_table
from covid_keras.runs.predictions_file import read_predictions
from covid_keras.runs.run import Run
from covid_keras.runs.stamps import NOT_A_DEVICE
from covid_keras.utils.errors import InputError
from covid_keras.utils.text import count, short_path


@dataclass(frozen=True)
class Comparison:
    """What differs between the first of several and each other; `str()` is tables in percent."""

    pairs: tuple[Mapping[str, Difference], ...]
    """For each other: accuracy, macro F1 and macro AUC, its own minus the first's, with interval
    and p-value; of several others, adjusted by Holm's method within each metric."""
    stamps: tuple[str, ...]
    """Warnings of all of them."""
    text: str

    @property
    def differences(self) -> Mapping[str, Difference]:
        """The differences of the second and the first."""
        return self.pairs[0]

    def __str__(self) -> str:
        return self.text


def compare(
    first: object,
    second: object,
    *others: object,
    split: str = "test",
    columns: Mapping[str, str] | None = None,
    positive: str | None = None,
    out: str | Path | None = None,
) -> Comparison:
    """Compare by paired differences with intervals, DeLong's and McNemar's tests.

    Args:
        first: a run that was evaluated, its folder, or a table of predictions as `measure` takes.
        second, others: as `first`, of the same images.
        split: "val", "test" or the name of a data set that all runs were evaluated on.
        columns, positive: of tables, as in `measure`.
        out: a folder for compare.html, which draws the differences; None writes nothing.

    Returns:
        Paired differences from the first with 95 % intervals and p-values.

    Raises:
        InputError: predictions are missing, or are of other images, labels or classes.

    Example:
        >>> import covid_keras
        >>> covid_keras.compare(run, run).differences["accuracy"].value
        0.0
    """
    sources = (first, second, *others)
    reference, stamps = _read(first, split, columns, positive, ())
    rest = [_read(each, split, columns, positive, reference.classes) for each in sources[1:]]
    stamps = dict.fromkeys([*stamps, *(stamp for _, found in rest for stamp in found)])
    predictions = [aligned(reference, found) for found, _ in rest]
    pairs = holm([paired_differences(reference, found) for found in predictions])
    names = [_name(source, place) for place, source in enumerate(sources, 1)]
    told = partial(_told, split, reference, predictions, pairs)
    if out is not None:
        from covid_keras.report.compare_page import write_comparison_page  # imports Matplotlib

        shown = _short(names)
        given = split, reference, shown, pairs, list(stamps), told(shown)
        write_comparison_page(Path(out), *given)
    warnings = "\n".join(f"!! {stamp}" for stamp in stamps)
    return Comparison(tuple(pairs), tuple(stamps), f"{warnings}\n\n{told(names)}")


def _told(
    split: str,
    reference: Predictions,
    others: Sequence[Predictions],
    pairs: Sequence[Mapping[str, Difference]],
    names: Sequence[str],
) -> str:
    """Return the tables of the differences of each other from the first."""
    parts = [f"{split}: {count(len(reference.labels), 'image')}; first: {names[0]}"]
    other = "second" if len(pairs) == 1 else "other"
    for name, found, differences in zip(names[1:], others, pairs, strict=True):
        table = comparison_table(reference, found, ("first", other), differences)
        parts += [f"{other}: {name}", table]
    if len(pairs) > 1:
        parts += [f"p: adjusted for {len(pairs)} comparisons of each metric (Holm)"]
    return "\n\n".join(parts)


def _short(names: Sequence[str]) -> list[str]:
    """Return names without the folders above, numbered where they are then the same."""
    short = [short_path(name) for name in names]
    numbered = [f"{name} ({place})" for place, name in enumerate(short, 1)]
    return short if len(set(short)) == len(short) else numbered


def _read(
    source: object,
    split: str,
    columns: Mapping[str, str] | None,
    positive: str | None,
    classes: tuple[str, ...],
) -> tuple[Predictions, list[str]]:
    """Return the predictions of a run or table, and the warnings about them."""
    if not isinstance(source, str | os.PathLike) or Path(source).is_file():
        table = read_table(source, columns=columns, positive=positive, classes=classes)
        return table.predictions, [NOT_A_DEVICE]
    run = Run(Path(source))
    if not run.predictions_file(split).exists():
        what = f"predictions of {split}, which covid-keras evaluate writes"
        raise InputError(f"{run.path}: expected {what}. Received: none")
    return read_predictions(run.predictions_file(split)), run.stamps()


def _name(source: object, place: int) -> str:
    return str(Path(source)) if isinstance(source, str | os.PathLike) else f"table {place}"
