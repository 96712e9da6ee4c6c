"""What the console shows of a set of images: the verdict, then the table, on one screen."""

import textwrap
from collections.abc import Iterator, Mapping

from covid_keras.metrics.classification import PROPORTIONS
from covid_keras.metrics.scores import METRICS
from covid_keras.metrics.sentences import (
    WIDTH,
    augmented_lines,
    claim_lines,
    percent,
    plan_lines,
    prevalence_lines,
    sizes,
    unreliable,
    wrapped,
)
from covid_keras.metrics.verdict_words import TOPICS
from covid_keras.utils.text import count, text_table

NAME, BESIDE = 16, 3
"""Characters of a class name at most, and classes beside each other."""


def summary(found: Mapping) -> str:
    """Return a set's verdict and metrics as text of at most 80 columns.

    The report has the details: confusion matrix, calibration, groups and the rest.

    Args:
        found: what `Metrics` holds.
    """
    stamps = textwrap.wrap(" · ".join(found["stamps"]), WIDTH - 3, break_on_hyphens=False)
    lines = [*(f"!! {line.strip(' ·')}" for line in stamps), *_verdict(found), ""]
    shown = found.get("pooled", found)
    bounds = shown.get("bounds", "95 % interval")
    lines += [f"{found['set']}: {sizes(shown)}; in percent [{bounds}]"]
    lines += [*_per_class(shown), *wrapped(shown["notes"]), *wrapped(_asked_for(found))]
    return "\n".join(line.rstrip() for line in lines)


def _verdict(found: Mapping) -> Iterator[str]:
    """Yield the sentences of each topic as a paragraph."""
    for topic in TOPICS:
        said = [part["text"] for part in found["verdict"] if part["topic"] == topic]
        yield from wrapped([f"{topic}: {' '.join(said)}"] if said else [])


def _asked_for(found: Mapping) -> list[str]:
    """Return lines on what is only measured if somebody asks for it."""
    lines = [*claim_lines(found.get("claims", ())), *plan_lines(found.get("plan"))]
    lines += [f"audit, {f['severity'].upper()}: {f['text']}" for f in found.get("audit", ())]
    return [*lines, *prevalence_lines(found), *augmented_lines(found)]


def _per_class(found: Mapping) -> list[str]:
    """Return the metrics of each class as columns, of at most `BESIDE` classes below each other."""
    columns, notes = [], []
    for name, entries in found["per_class"].items():
        column = [name if len(name) <= NAME else f"{name[: NAME - 1]}~"]
        column.append(count(found["images_per_class"][name], "image"))
        for key in PROPORTIONS:
            reason = unreliable(entries[key])
            column.append(percent(entries[key]).replace(f" ({reason})", "*"))
            number = reason.partition(": ")[2]
            notes += [f"{METRICS[key]} of {name} ({number})"] if reason else []
        columns.append(column)
    titles = ["", "", *(METRICS[key] for key in PROPORTIONS)]
    lines = []
    for start in range(0, len(columns), BESIDE):
        rows = zip(titles, *columns[start : start + BESIDE], strict=True)
        lines += text_table([list(row) for row in rows], "<")
    return [*lines, *wrapped([f"* unreliable: {', '.join(notes)}"] if notes else [])]
