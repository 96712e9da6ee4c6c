"""Claims about metrics, such as "auc.low > 0.8": a small grammar, and whether they hold."""

import operator
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from covid_keras.datasets.label_files import SPLITS
from covid_keras.metrics.results import Metrics
from covid_keras.metrics.scores import METRICS, OVERALL
from covid_keras.utils.errors import InputError
from covid_keras.utils.text import near_misses

NO_LEAKS = "no-leaks"
EXTERNAL = "external"
"""In the place of a set: every set that is no split of the run's own data."""
LEVELS = ("pooled", "patient_level", "at_threshold")
ENDS = ("value", "low", "high")
LEADS = {"lead.accuracy": "accuracy", "lead.auc": "macro_auc"}
"""{a name in a claim: the metric of which it is the lead over the metadata baseline}."""
ERRORS = ("ece", "adaptive_ece", "brier")
COUNTS = ("images", "patients")
LEAKY = ("LEAK:", "IMAGE-LEVEL SPLIT", "NO PATIENT-LEVEL SPLIT", "TRAINING DATA UNKNOWN")
"""Beginnings of the stamps that contradict `NO_LEAKS`."""
OPERATORS = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}
_CLAIM = re.compile(
    r"([^<>=\s]+(?:\[[^\]]*\][^<>=\s]*)?)\s*(>=|<=|>|<)\s*([+-]?[0-9.]+(?:e-?\d+)?)"
)
_METRIC = re.compile(r"(?P<metric>\w+)(?:\[(?P<class>.+)\])?(?:\.(?P<end>\w+))?$")
GRAMMAR = (
    "[SET.][pooled.][patient_level.|at_threshold.]METRIC[.value|.low|.high] > NUMBER, or no-leaks"
)


@dataclass(frozen=True)
class Claim:
    """A parsed claim."""

    text: str
    set: str
    """A set, `EXTERNAL`, or "" for the one that is measured."""
    metric: str
    """The rest of the path; "" for `NO_LEAKS`."""
    operator: str = ""
    number: float = 0.0


def parse(text: str, sets: Iterable[str] = ()) -> Claim:
    """Parse a claim.

    Args:
        text: as in `GRAMMAR`; fractions, not percent.
        sets: names of sets beside the splits and `EXTERNAL`.

    Raises:
        InputError: another grammar, an unknown metric, or a number that no fraction reaches.
    """
    if text.strip() == NO_LEAKS:
        return Claim(NO_LEAKS, "", "")
    match = _CLAIM.fullmatch(text.strip())
    if not match:
        raise InputError(f"claim: expected {GRAMMAR}. Received: {text!r}")
    path, sign, number = match[1], match[2], float(match[3])
    name, _, rest = path.partition(".")
    known = (*SPLITS, EXTERNAL, *sets)
    chosen, metric = (name, rest) if rest and name in known else ("", path)
    _check_metric(text, metric)
    last = metric.split(".")
    if not {*last} & {*COUNTS} and abs(number) > 1:
        raise InputError(f"claim {text!r}: expected a fraction from 0 to 1. Received: {match[3]}")
    return Claim(text.strip(), chosen, metric, sign, number)


def judge(claims: Sequence[Claim], content: Mapping, default: str) -> list[dict]:
    """Return {claim, holds, received} of each claim, as metrics.json holds it.

    Args:
        claims: from `parse`.
        content: of metrics.json.
        default: the set of claims that name none.

    Raises:
        InputError: a claim names no class where there are several, or an unknown one.
    """
    sets = {name: Metrics.of_set(content, name) for name in content["splits"]}
    return [_verdict(claim, sets, default) for claim in claims]


def _verdict(claim: Claim, sets: Mapping[str, Metrics], default: str) -> dict:
    if not claim.metric:
        found = [s for s in sets[default]["stamps"] if s.upper().startswith(LEAKY)]
        return _entry(claim.text, not found, "; ".join(found) or "no leaks found")
    names = [claim.set or default]
    if claim.set == EXTERNAL:
        names = [name for name in sets if name not in SPLITS]
    if not names or names[0] not in sets:
        return _entry(claim.text, False, f"the set {claim.set} was not measured")
    values = [_value(claim, sets[name]) for name in names]
    compare = OPERATORS[claim.operator]
    holds = all(value is not None and compare(value, claim.number) for value in values)
    shown = ["undefined" if value is None else f"{value:.4g}" for value in values]
    if len(names) > 1:
        shown = [f"{name} {text}" for name, text in zip(names, shown, strict=True)]
    return _entry(claim.text, holds, ", ".join(shown))


def _entry(claim: str, holds: bool, received: str) -> dict:
    """Return a verdict; `received` is the numbers, by set, or why there are none."""
    return {"claim": claim, "holds": holds, "received": received}


def _check_metric(text: str, path: str) -> None:
    for level in LEVELS:
        path = path.removeprefix(f"{level}.")
    names = [*METRICS, *OVERALL, *ERRORS, *COUNTS, *LEADS]
    if path.startswith("lead."):
        name, _, end = path.removeprefix("lead.").partition(".")
        found, end = f"lead.{name}", end or "value"
    elif match := _METRIC.fullmatch(path):
        found, end = match["metric"], match["end"] or "value"
    else:
        found, end = path, ""
    if found not in names:
        raise InputError(f"claim {text!r}: unknown metric {found}; {near_misses(found, names)}")
    if end not in ENDS:
        raise InputError(f"claim {text!r}: expected {', '.join(ENDS)}. Received: {end}")


def _value(claim: Claim, metrics: Metrics) -> float | None:
    """Return the number that a claim is about; None where it is undefined or was not measured."""
    path, part = claim.metric, metrics
    if path.startswith("lead."):
        name, _, end = path.removeprefix("lead.").partition(".")
        entry = metrics.get("metadata_baseline", {}).get(LEADS[f"lead.{name}"], {})
        return entry.get({"low": "lead_low", "high": "lead_high"}.get(end, "lead"))
    for level in LEVELS:
        if path.startswith(f"{level}."):
            path, part = path.removeprefix(f"{level}."), dict(part.get(level, {}))
            part |= part.get("metrics", {})
    match = _METRIC.fullmatch(path)
    metric, end = match["metric"], match["end"] or "value"
    if metric in COUNTS:
        return part.get(metric)
    if metric in ERRORS:
        entry = metrics.get("calibration", {}).get("before", {}).get(metric, {})
    elif metric in OVERALL:
        entry = part.get(metric, {})
    else:
        label = _class(match["class"], metrics["classes"], claim.text)
        entry = part.get("per_class", {}).get(label, {}).get(metric, {})
    return entry.get(end)


def _class(named: str | None, classes: list[str], text: str) -> str:
    """Return the class that a claim names; the last of two if it names none."""
    if named is None and len(classes) == 2:
        return classes[-1]
    if named not in classes:
        what = near_misses(named, classes) if named else f"such as [{classes[-1]}]"
        raise InputError(f"claim {text!r}: expected one of the {len(classes)} classes; {what}")
    return named
