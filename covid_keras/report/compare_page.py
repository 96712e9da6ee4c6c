"""compare.html: the page of a comparison, with the paired differences drawn."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from covid_keras.metrics.comparison import Difference
from covid_keras.metrics.predictions import Predictions
from covid_keras.metrics.scores import OVERALL
from covid_keras.metrics.verdict_words import AGAINST, COMPARED, FOR, OPEN, UNKNOWN, WHAT, Sentence
from covid_keras.report.page import Bar, Bars, Code, Page, Section, Table, Text
from covid_keras.report.render import write_page
from covid_keras.utils.text import count

Pair = Mapping[str, Difference]
STEP = 0.05
"""The scale of differences ends at a multiple of this."""


def write_comparison_page(
    out: Path,
    split: str,
    first: Predictions,
    names: Sequence[str],
    pairs: Sequence[Pair],
    stamps: Sequence[str],
    text: str,
) -> Path:
    """Write compare.html into the folder `out`; return its path.

    Args:
        split: name of the set of images.
        first: the predictions that the others are compared with.
        names: of the first and of each other.
        pairs: the differences of each other.
        stamps: warnings of all of them.
        text: what the console shows.
    """
    reference, others = names[0], dict(zip(names[1:], pairs, strict=True))
    page = Page(
        title="Comparison",
        lead=f"{', '.join(others)} compared with {reference}",
        stamps=stamps,
        verdict=[*_about(split, first, reference), *_verdict(others, reference)],
        sections=[
            Section("Differences", [*_bars(others), Text(_how(first), True)], open=True),
            Section("Scores", [_table(others, reference)], open=True),
            Section("Tests that treat images as independent", [Code(text)]),
        ],
    )
    write_page(out / "compare.html", page)
    return out / "compare.html"


def _about(split: str, first: Predictions, reference: str) -> list[Sentence]:
    images = count(len(first.labels), "image")
    known = first.has_patients
    patients = count(int(first.clusters.max()) + 1, "patient") if known else "patients unknown"
    seeds = "One training each: two trainings that differ only in the seed may differ as much."
    return [
        Sentence(WHAT, f"The same {images} of {split} ({patients}), answered by each."),
        Sentence(WHAT, f"Each is compared with {reference}."),
        Sentence(UNKNOWN, seeds, OPEN),
    ]


def _verdict(others: Mapping[str, Pair], reference: str) -> list[Sentence]:
    """Return whether each other is better, by accuracy and AUC."""
    found = []
    for name, pair in others.items():
        for metric in ("accuracy", "macro_auc"):
            low, high = pair[metric].low, pair[metric].high
            text, tone = f"{name} is not shown to differ from {reference}", OPEN
            if low is not None and low > 0:
                text, tone = f"{name} is better than {reference}", FOR
            elif high is not None and high < 0:
                text, tone = f"{name} is worse than {reference}", AGAINST
            found.append(
                Sentence(COMPARED, f"{text}: {OVERALL[metric]} {_text(pair[metric])}.", tone)
            )
    return found


def _bars(others: Mapping[str, Pair]) -> list[Bars]:
    """Return the differences of each metric on a scale with 0 in the middle."""
    known = [
        abs(bound)
        for pair in others.values()
        for item in pair.values()
        for bound in (item.low, item.high, item.value)
        if bound is not None and not math.isnan(bound)
    ]
    reach = STEP * max(1, math.ceil(max(known, default=0) / STEP))
    return [
        Bars(
            [_bar(name, pair[metric]) for name, pair in others.items()],
            f"{title}: from {-100 * reach:+.0f} to {100 * reach:+.0f} points",
            low=-reach,
            high=reach,
            mark=0.0,
        )
        for metric, title in OVERALL.items()
    ]


def _bar(name: str, item: Difference) -> Bar:
    value = None if math.isnan(item.value) else item.value
    return Bar(name, _text(item), value, item.low, item.high)


def _table(others: Mapping[str, Pair], reference: str) -> Table:
    """Return the scores of the first and of each other, with p-values."""
    rows = [
        (
            name,
            OVERALL[metric],
            _percent(item.first),
            _percent(item.second),
            _text(item),
            _p(item.p),
        )
        for name, pair in others.items()
        for metric, item in pair.items()
    ]
    header = ("run", "metric", reference, "run's", "difference", "p")
    return Table(header, rows, "Scores")


def _how(first: Predictions) -> str:
    unit = "patient" if first.has_patients else "image, as a patient id is missing,"
    return (
        f"A run minus the first, in percentage points with 95 % intervals, from the influence of"
        f" each {unit} on both. The line is no difference."
    )


def _text(item: Difference) -> str:
    """Return a difference in points, with its interval."""
    if math.isnan(item.value):
        return "undefined"
    bounds = "" if item.low is None else f" [{100 * item.low:+.1f}, {100 * item.high:+.1f}]"
    return f"{100 * item.value:+.1f}{bounds}"


def _percent(value: float) -> str:
    return "undefined" if math.isnan(value) else f"{100 * value:.1f}"


def _p(p: float | None) -> str:
    return "undefined" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"
