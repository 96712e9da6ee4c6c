"""One-to-one matching of the images of a class with others that are alike in chosen columns.

Where both sides have the same ages, sexes or sources, a network can no longer score by telling
these. After Stuart (2010), "Matching methods for causal inference", Statistical Science 25, 1.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

CALIPER = 0.2
"""Numbers of a pair differ by no more than this many standard deviations."""
MOST_DIFFERENCE = 0.1
"""Standardised difference above which the two sides of a matched set are not alike."""
LEAST_PAIRS = 20
_FEW = 10
"""Numbers of so many different values or fewer are matched exactly, as text is."""


@dataclass(frozen=True)
class Matched:
    """Pairs of images, and how much their two sides differ."""

    pairs: np.ndarray
    """(P, 2) int: rows of an image of the class, and of one of the others."""
    known: int
    """Images of which every column is known; only they are matched."""
    differences: Mapping[str, tuple[float | None, float | None]]
    """{column: its largest standardised difference before and after}; None where it is undefined:
    each side has one value, another than the other side's, or there is no pair."""

    @property
    def refused(self) -> str:
        """Why no score of these pairs means anything, "" if it does."""
        if len(self.pairs) < LEAST_PAIRS:
            return f"{len(self.pairs)} pairs found, fewer than {LEAST_PAIRS}"
        after = {column: after for column, (_, after) in self.differences.items()}
        worst = max(after, key=lambda column: after[column] or 0)
        if (after[worst] or 0) > MOST_DIFFERENCE:
            return (
                f"after matching, {worst} still differs by {after[worst]:.2f} standard deviations,"
                f" more than {MOST_DIFFERENCE}"
            )
        return ""


def match(inside: np.ndarray, table: pd.DataFrame, seed: int = 0) -> Matched:
    """Match the images of a class one to one with the others, without replacement.

    A pair has the same text in each column, and numbers within `CALIPER` standard deviations. The
    images of the rarer side choose in random order, each the nearest that is left.

    Args:
        inside: (N,) bool, whether an image is of the class.
        table: N rows of str, "" where unknown; a column for each thing to match on.
        seed: of the order.

    Example:
        >>> import numpy as np
        >>> import pandas as pd
        >>> table = pd.DataFrame({"sex": ["F", "M", "M", "M"]})
        >>> match(np.array([True, True, False, False]), table).pairs.tolist()
        [[1, 2]]
    """
    known = np.flatnonzero((table != "").all(axis=1))
    inside, rows = np.asarray(inside)[known], table.iloc[known]
    columns = {name: _numbers(rows[name]) for name in rows}
    numbers = {name: values for name, values in columns.items() if values.dtype.kind == "f"}
    scaled = [values / (_deviation(values, inside) or 1.0) for values in numbers.values()]
    texts = rows.drop(columns=list(numbers)).to_numpy(str)
    strata = pd.factorize(np.array(["\n".join(row) for row in texts], object))[0]
    near = np.array(scaled).reshape(len(numbers), len(rows)).T
    pairs = _pairs(inside, strata, near, seed)
    differences = {
        name: (_difference(values, inside), _difference(values, inside, pairs))
        for name, values in columns.items()
    }
    return Matched(known[pairs], len(known), differences)


def _numbers(column: pd.Series) -> np.ndarray:
    """Return float if these are numbers with more than `_FEW` different values, else str."""
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(float)
    continuous = np.isfinite(numbers).all() and len(np.unique(numbers)) > _FEW
    return numbers if continuous else column.to_numpy(str)


def _pairs(inside: np.ndarray, strata: np.ndarray, numbers: np.ndarray, seed: int) -> np.ndarray:
    """Return (P, 2) int: pairs within a stratum whose numbers (N, C) are within the caliper."""
    pairs, rng = [], np.random.default_rng(seed)
    for stratum in range(strata.max(initial=-1) + 1):
        sides = [np.flatnonzero((strata == stratum) & (inside == side)) for side in (True, False)]
        rarer, others = sorted(sides, key=len)
        free = np.ones(len(others), bool)
        for row in rng.permutation(rarer):
            apart = np.abs(numbers[others] - numbers[row])
            near = free & (apart <= CALIPER).all(axis=1)
            if near.any():
                best = np.where(near, (apart**2).sum(axis=1), np.inf).argmin()
                free[best] = False
                pairs.append(sorted((row, others[best]), key=lambda one: not inside[one]))
    return np.array(pairs, int).reshape(-1, 2)


def _difference(
    values: np.ndarray, inside: np.ndarray, pairs: np.ndarray | None = None
) -> float | None:
    """Return the largest standardised difference of two sides; None if it is undefined.

    Args:
        values: (N,), numbers, or text of which each value counts as 0 and 1.
        inside: (N,) bool, the side.
        pairs: (P, 2) rows of each side to compare; None is all of them. The deviation is that of
            all in either case.
    """
    sides = (inside, ~inside) if pairs is None else pairs.T
    parts = [values]
    if values.dtype.kind != "f":
        parts = [(values == value).astype(float) for value in np.unique(values)]
    found = [0.0]
    for part in parts:
        one, other = (part[side] for side in sides)
        if not (len(one) and len(other)):
            return None
        gap, deviation = abs(one.mean() - other.mean()), _deviation(part, inside)
        if gap > 0 and deviation == 0:
            return None
        found.append(gap / deviation if gap else 0.0)
    return float(max(found))


def _deviation(values: np.ndarray, inside: np.ndarray) -> float:
    """Return the standard deviation within the sides, each counting the same."""
    sides = [side for side in (values[inside], values[~inside]) if len(side)]
    return float(np.mean([np.var(side) for side in sides]) ** 0.5) if sides else 0.0
