"""How strongly each property of the images is associated with the class."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats.contingency import association

BINS = 8
"""Frequent numbers and bins of equal size together; only numbers of more than `SHOWN` values."""
SHOWN = 12
"""A number with at most this many values is counted by value; a page shows this many rows."""


@dataclass(frozen=True)
class Inventory:
    """One property, counted by class."""

    column: str
    cramers_v: float
    """Cramer's V: 0 is no association with the class, 1 determines it."""
    counts: pd.DataFrame
    """Number of images by class (columns). Rows: values or bins of numbers in order of value, other
    values in order of frequency, then "not known"."""

    def to_json(self) -> dict:
        """Return plain JSON values."""
        counts = {str(value): row.to_dict() for value, row in self.counts.iterrows()}
        return {"column": self.column, "cramers_v": self.cramers_v, "counts": counts}


def inventory(properties: pd.DataFrame, labels: pd.Series) -> list[Inventory]:
    """Count every column of `properties` by label; the strongest association comes first.

    Args:
        properties: N rows, from `covid_keras.evaluation.baselines`.
        labels: N class names.
    """
    items = []
    for name in properties:
        counts = pd.crosstab(_categories(properties[name]), labels.to_numpy())
        counts.index.name, counts.columns.name = name, "class"
        v = corrected_cramers_v(counts.to_numpy()) if min(counts.shape) > 1 else 0.0
        items.append(Inventory(name, float(v), counts))
    return sorted(items, key=lambda item: -item.cramers_v)


def _categories(column: pd.Series) -> pd.Categorical:
    """Return the value or bin of each row; the categories are in the order of `counts`."""
    if pd.api.types.is_numeric_dtype(column):
        text = column.map("{:g}".format, na_action="ignore")
        if column.nunique() > SHOWN:
            frequent = _frequent(column)
            rest = column[~column.isin(frequent)].dropna()
            bins = pd.qcut(rest, BINS - len(frequent), duplicates="drop").astype("str")
            text = text.where(column.isin(frequent), bins)
        order = column.groupby(text).median().sort_values().index
    else:
        text = column.astype("str").mask(column.isin(("", "nan")))
        order = text.value_counts().index
    return pd.Categorical(text.fillna("not known"), [*order, "not known"])


def _frequent(column: pd.Series) -> pd.Index:
    """Return the numbers that would fill a bin each; with them, the edges of bins coincide."""
    counts = column.value_counts()
    not_more_frequent = counts[::-1].cumsum()[::-1]
    return counts.index[(counts * BINS > not_more_frequent).cummin()][: BINS // 2]


def corrected_cramers_v(counts: np.ndarray) -> float:
    """Return Cramer's V of a table (r, k) of counts, corrected for its bias (Bergsma 2013).

    Many values among few images give a high V by chance alone; the corrected one is then near 0.
    """
    images, shape = counts.sum(), np.array(counts.shape)
    squared = association(counts, method="cramer") ** 2 * (shape.min() - 1)
    squared = max(0.0, squared - (shape - 1).prod() / max(images - 1, 1))
    corrected = shape - (shape - 1) ** 2 / max(images - 1, 1)
    least = corrected.min() - 1
    return float(min(1.0, np.sqrt(squared / least))) if least > 0 else 0.0
