"""What is known of every image beside its pixels, and how far it gives the class away."""

from dataclasses import dataclass

import pandas as pd
from scipy.stats.contingency import association

from covid_keras.audit.findings import NOTE, WARN, Finding
from covid_keras.datasets.attributes import LABELLING
from covid_keras.datasets.label_files import BOX

BINS = 8
"""Numbers are cut into so many bins of equal count before they are counted against the class."""
SHOWN = 12
"""Values of a column that its table names; the rest is one line."""
OF_PIXELS = ("bytes",)
"""Properties that depend on what an image shows: a compressed picture is as long as it is busy."""
BOX_COLUMNS = tuple(f"box_{name}" for name in BOX)


@dataclass(frozen=True)
class Inventory:
    """One column against the class."""

    column: str
    cramers_v: float
    """0: no relation to the class, 1: the value gives the class away."""
    counts: pd.DataFrame
    """Values or bins by class: numbers of images."""


def properties(
    records: pd.DataFrame, attributes: pd.DataFrame, scan: pd.DataFrame | None
) -> pd.DataFrame:
    """Columns that a rule could read instead of the image; strings, or floats for numbers. A column
    that says the same of every image is left out.

    Args:
        records: N rows.
        attributes: N rows, from `covid_keras.datasets.attributes`; how a label was made is no
            property of the image.
        scan: N rows, `Scan.table`, or None where no image was read.
    """
    columns: dict[str, pd.Series] = {}
    if records["source"].ne("").any():
        columns["source"] = records["source"]
    for name in attributes.columns.difference(LABELLING, sort=False):
        columns[name] = _numbers(attributes[name])
    if scan is not None:
        for name in ("format", "mode"):
            columns[name] = scan[name]
        for name in ("bits", "width", "height", "bytes"):
            columns[name] = scan[name].astype(float)
        columns["aspect"] = scan["width"] / scan["height"]
    if records["x0"].notna().any():
        for name, corner in zip(BOX_COLUMNS, BOX, strict=True):
            columns[name] = records[corner].astype(float)
    table = pd.DataFrame({name: values.to_numpy() for name, values in columns.items()})
    return table.loc[:, table.nunique(dropna=False) > 1]


def inventory(table: pd.DataFrame, labels: pd.Series) -> list[Inventory]:
    """Every column of `properties` against the labels, the strongest first."""
    found = []
    for name in table:
        values = _categories(table[name])
        counts = pd.crosstab(values, labels.to_numpy())
        counts.index.name, counts.columns.name = name, "class"
        v = association(counts.to_numpy(), method="cramer") if min(counts.shape) > 1 else 0.0
        found.append(Inventory(name, float(v), counts))
    return sorted(found, key=lambda item: -item.cramers_v)


def one_source(records: pd.DataFrame) -> list[Finding]:
    """Classes whose images of a split all come from one source, and sources of one class."""
    known = records[records["source"] != ""]
    found = []
    for (split, label), rows in known.groupby(["split", "label"]):
        others = known[(known["split"] == split) & (known["label"] != label)]
        source = rows["source"].iloc[0]
        shared = (others["source"] == source).mean()
        if rows["source"].nunique() > 1 or others.empty or shared == 1:
            continue
        only = " and no other class" if shared == 0 else f", as do {shared:.0%} of the others"
        found.append(
            Finding(
                "shortcut",
                WARN if shared == 0 else NOTE,
                f"{split or 'all'}: all {len(rows):,} images of class {label} come from"
                f" {source}{only}: a score on them cannot tell the class from the source",
                {"split": split, "class": label, "source": source, "others": float(shared)},
            )
        )
    classes = known.groupby("source")["label"].agg(lambda column: sorted(set(column)))
    pure = classes[classes.map(len) == 1]
    if len(pure) and len(classes) > 1:
        named = ", ".join(f"{source} ({labels[0]})" for source, labels in pure.items())
        found.append(
            Finding(
                "shortcut",
                NOTE,
                f"{len(pure)} of {len(classes)} sources hold one class only: {named}",
                {"sources": {source: labels[0] for source, labels in pure.items()}},
            )
        )
    return found


def _numbers(column: pd.Series) -> pd.Series:
    """As floats where every known value is a number."""
    numbers = pd.to_numeric(column.where(column != ""), errors="coerce")
    return numbers if numbers.notna().eq(column != "").all() else column


def _categories(column: pd.Series) -> pd.Series:
    """Strings: the value, or the bin of a number; "not known" where there is none."""
    if pd.api.types.is_numeric_dtype(column):
        if column.nunique() > SHOWN:
            column = pd.qcut(column, BINS, duplicates="drop").astype("str")
        else:
            column = column.map(lambda value: f"{value:g}")
    text = column.astype("str")
    return text.mask(column.isna() | text.isin(("", "nan")), "not known")
