"""What the columns of a table of predictions hold, by their names.

The names are those that torchxrayvision, MONAI, timm, scikit-learn's users and COVID-Net's scripts
give them; `find_columns` takes others from its caller.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from covid_keras.datasets.folder import ALIASES
from covid_keras.runs.predictions_file import SUM_TOLERANCE
from covid_keras.utils.errors import InputError

ROLES = {
    "image": (
        *("image", *ALIASES["image"], "filepath", "img", "image_index", "image_name"),
        *("image_id", "img_path", "dicom_id", "name", "id"),
    ),
    "label": (
        *("label", "true_label", "y_true", "true", "target", "targets", "ground_truth", "gt"),
        *("truth", *ALIASES["label"], "finding", "finding_labels", "actual", "y"),
    ),
    "patient": ("patient", *ALIASES["patient"], "case", "case_id"),
    "source": ("source", "site", "hospital", "institution", "dataset", "center", "centre"),
    "fold": ("fold",),
}
"""{what a column holds: its names, as `role_of` reads them}."""
SCORES = (
    *("score", "scores", "y_score", "probability", "prob", "proba", "y_prob", "y_proba", "p"),
    *("pred_prob", "y_pred_proba", "positive_probability", "output", "logit", "logits"),
    *("prediction", "pred", "y_pred", "predicted"),
)
"""Names of one column of probabilities or logits, those of the positive class."""
ANSWERS = frozenset(
    {"prediction", "predictions", "pred", "ypred", "predicted", "predictedlabel", "predlabel"}
)
"""Columns of answers, as `plain` reads them; they are no attributes."""
_FAMILY = re.compile(
    r"(y_)?(prob|probs|proba|probability|probabilities|score|pred|prediction|output|value|softmax"
    r"|sigmoid|p|logit|logits)(s?[_\-. :(\[]+(?P<name>.+?)[)\]]?|(?P<number>\d+))",
    re.IGNORECASE,
)
"""One of several columns of outputs: "prob_COVID-19", "logits[1]", "output 0", "p0"."""


@dataclass(frozen=True)
class Columns:
    """Which column holds what."""

    roles: dict[str, str]
    """{key of `ROLES`: column}."""
    outputs: dict[str, str]
    """{class: column}, or {"": column} of the positive class."""
    logits: bool
    ignored: tuple[str, ...] = ()
    """Columns of outputs that are not read, as others hold the same."""


def find_columns(
    table: str, rows: pd.DataFrame, given: Mapping[str, str], outputs: bool = True
) -> Columns:
    """Return what the columns of a table hold.

    Args:
        table: what to call it in messages.
        rows: the table.
        given: {key of `ROLES`, score or a class: column}, which come before the names.
        outputs: whether to look for the columns of outputs.

    Raises:
        InputError: a given column does not exist, or no columns of outputs, or two kinds.
    """
    if missing := [column for column in given.values() if outputs and column not in rows]:
        received = ", ".join(rows)
        raise InputError(f"{table}:1: expected the column {missing[0]}. Received: {received}")
    roles = {role: given[role] for role in ROLES if given.get(role) in rows}
    for role, names in ROLES.items():
        free = {role_of(c): c for c in rows if c not in (*roles.values(), *given.values())}
        if role not in roles and (found := [free[name] for name in names if name in free]):
            roles[role] = found[0]
    if not outputs:
        return Columns(roles, {}, False)
    classes = {name: column for name, column in given.items() if name not in (*ROLES, "score")}
    if classes:
        return Columns(roles, classes, _all_logits(classes.values()))
    if "score" in given:
        return Columns(roles, {"": given["score"]}, _all_logits([given["score"]]))
    free = [column for column in rows if column not in roles.values()]
    families = _families(rows, free)
    labels = set(rows[roles["label"]].map(str)) if "label" in roles else set()
    if not families and (named := _named_as_labels(rows, free, labels)):
        return Columns(roles, {column: column for column in named}, False)
    if len(families) > 1:
        families = {name: part for name, part in families.items() if not _all_logits([name])}
    if len(families) == 1:
        (found,) = families.values()
        others = [c for c in free if _FAMILY.fullmatch(c) and c not in found.values()]
        return Columns(roles, found, _all_logits(found.values()), tuple(others))
    if not families:
        scores = [c for name in SCORES for c in free if role_of(c) == name and _numeric(rows[c])]
        if scores:
            return Columns(roles, {"": scores[0]}, _all_logits(scores[:1]), tuple(scores[1:]))
    raise InputError(
        f"{table}:1: expected one column of probabilities per class, called as the class or"
        " prob_CLASS, or one called score; --columns CLASS=COLUMN names others."
        f" Received: {', '.join(rows)}"
    )


def role_of(column: str) -> str:
    """Return a column's name in lower case, with "_" for spaces, hyphens and points."""
    return re.sub(r"[\s\-.]+", "_", column.strip().lower())


def plain(name: str) -> str:
    """Return letters and digits alone, in lower case, so that COVID-19 is covid_19."""
    return "".join(filter(str.isalnum, name.lower())) or name


def _families(rows: pd.DataFrame, free: list[str]) -> dict[str, dict[str, str]]:
    """Return {family: {class: column}} of columns called alike, such as prob_A and prob_B."""
    families: dict[str, dict[str, str]] = {}
    for column in free:
        if (match := _FAMILY.fullmatch(column)) and _numeric(rows[column]):
            name = match["name"] or match["number"]
            families.setdefault(match[2].lower().rstrip("s"), {})[name] = column
    return {name: members for name, members in families.items() if len(members) > 1}


def _named_as_labels(rows: pd.DataFrame, free: list[str], labels: set[str]) -> list[str]:
    """Return the columns that are called as classes: all numbers if they sum to 1 and a label is
    among them, else those of the labels if each has one."""
    known = {*map(plain, labels)}
    called = [column for column in free if plain(column) in known and _numeric(rows[column])]
    numbers = [column for column in free if _numeric(rows[column])]
    if called and len(numbers) > 1 and _sums_to_one(rows[numbers]):
        return numbers
    return called if 1 < len(called) == len(labels) else []


def _all_logits(columns: object) -> bool:
    return all("logit" in column.lower() for column in columns)


def _numeric(values: pd.Series) -> bool:
    return values.dtype != bool and pd.to_numeric(pointed(values), errors="coerce").notna().any()


def pointed(values: pd.Series) -> pd.Series:
    """Return a column with a decimal point where text has a comma."""
    if values.dtype != object:
        return values
    return values.map(lambda cell: cell.replace(",", ".") if isinstance(cell, str) else cell)


def _sums_to_one(rows: pd.DataFrame) -> bool:
    numbers = rows.apply(lambda column: pd.to_numeric(pointed(column), errors="coerce"))
    return bool((numbers.sum(axis=1) - 1).abs().max() <= SUM_TOLERANCE)
