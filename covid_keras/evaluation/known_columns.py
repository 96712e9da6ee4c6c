"""What is known of the images of a run beside their pixels, as columns that a user can name."""

from collections.abc import Sequence

import pandas as pd

from covid_keras.datasets.attributes import LABELLING, attributes
from covid_keras.runs.run import Run
from covid_keras.utils.errors import InputError
from covid_keras.utils.text import near_misses


def known_columns(run: Run, records: pd.DataFrame) -> pd.DataFrame:
    """Return the source and the attributes of N records: N rows of str, "" where unknown.

    How an image was labelled is left out: no image can tell it.
    """
    known = attributes(run.recipe().data.dataset, run.data(), records)
    known = known.drop(columns=list(LABELLING), errors="ignore")
    table = pd.concat([records[["source"]], known], axis=1).reset_index(drop=True)
    return table.loc[:, (table != "").any()]


def check_columns(run: Run, columns: Sequence[str]) -> None:
    """Raise InputError where one of the columns is not known of the run's test images."""
    known = list(known_columns(run, run.split("test"))) if columns else []
    for name in columns:
        if name not in known:
            raise InputError(f"{name}: no such column of the images; {near_misses(name, known)}")
