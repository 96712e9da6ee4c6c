"""How strongly each property of the images is associated with the class."""

from dataclasses import dataclass

import pandas as pd
from scipy.stats.contingency import association

BINS = 8
"""Numbers are counted in this many bins of equal size."""
SHOWN = 12
"""A number with at most this many values is counted by value; a page shows this many rows."""


@dataclass(frozen=True)
class Inventory:
    """One property, counted by class."""

    column: str
    cramers_v: float
    """Cramer's V: 0 is no association with the class, 1 determines it."""
    counts: pd.DataFrame
    """Number of images: values or bins (rows) by class (columns)."""

    def to_json(self) -> dict:
        """Return plain JSON values."""
        return {
            "column": self.column,
            "cramers_v": self.cramers_v,
            "counts": {str(value): row.to_dict() for value, row in self.counts.iterrows()},
        }


def inventory(properties: pd.DataFrame, labels: pd.Series) -> list[Inventory]:
    """Count every column of `properties` by label; the strongest association comes first.

    Args:
        properties: N rows, from `covid_keras.evaluation.properties`.
        labels: N class names.
    """
    items = []
    for name in properties:
        counts = pd.crosstab(_categories(properties[name]), labels.to_numpy())
        counts.index.name, counts.columns.name = name, "class"
        v = association(counts.to_numpy(), method="cramer") if min(counts.shape) > 1 else 0.0
        items.append(Inventory(name, float(v), counts))
    return sorted(items, key=lambda item: -item.cramers_v)


def _categories(column: pd.Series) -> pd.Series:
    """Return strings: the value, or the bin of a number; "not known" where it is missing."""
    if pd.api.types.is_numeric_dtype(column):
        if column.nunique() > SHOWN:
            column = pd.qcut(column, BINS, duplicates="drop").astype("str")
        else:
            column = column.map(lambda value: f"{value:g}")
    text = column.astype("str")
    return text.mask(column.isna() | text.isin(("", "nan")), "not known")
