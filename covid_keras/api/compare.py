"""Compare two runs on the same images."""

import os
from dataclasses import dataclass
from pathlib import Path

from covid_keras.metrics.comparison import Difference, paired_differences
from covid_keras.metrics.sentences import comparison_table
from covid_keras.runs.predictions_file import read_predictions
from covid_keras.runs.run import Run
from covid_keras.utils.errors import InputError


@dataclass(frozen=True)
class Comparison:
    """What differs between two runs; `str()` is a table in percent."""

    differences: dict[str, Difference]
    """Accuracy, macro F1 and macro AUC: second minus first, with interval and p-value."""
    stamps: tuple[str, ...]
    """Warnings of both runs."""
    text: str

    def __str__(self) -> str:
        return self.text


def compare(
    first: str | os.PathLike, second: str | os.PathLike, *, split: str = "test"
) -> Comparison:
    """Compare two runs by paired differences with intervals, DeLong's and McNemar's tests.

    Args:
        first: a run that was evaluated, or its folder.
        second: another one, evaluated on the same images.
        split: "val", "test" or the name of a data set that both were evaluated on.

    Returns:
        Paired differences with 95 % intervals and p-values.

    Raises:
        InputError: predictions are missing, or are of other images, labels or classes.

    Example:
        >>> import covid_keras
        >>> covid_keras.compare(run, run).differences["accuracy"].value
        0.0
    """
    runs = [Run(Path(run)) for run in (first, second)]
    for run in runs:
        if not run.predictions_file(split).exists():
            what = f"predictions of {split}, which covid-keras evaluate writes"
            raise InputError(f"{run.path}: expected {what}. Received: none")
    both = [read_predictions(run.predictions_file(split)) for run in runs]
    stamps = tuple(dict.fromkeys(stamp for run in runs for stamp in run.stamps()))
    warnings = "\n".join(f"!! {stamp}" for stamp in stamps)
    title = f"{split}: {len(both[0].labels):,} images; first {runs[0].path}, second {runs[1].path}"
    text = "\n\n".join([warnings, title, comparison_table(*both, ("first", "second"))])
    return Comparison(paired_differences(*both), stamps, text)
