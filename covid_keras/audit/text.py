"""An audit in words: one screen, and what a score on the data can and cannot show."""

import textwrap

from covid_keras.audit.audit import Audit
from covid_keras.audit.findings import FAIL
from covid_keras.evaluation.baselines import Baseline
from covid_keras.metrics.intervals import wilson
from covid_keras.utils.text import text_table

WIDTH = 100
BLIND = "right on test without the middle of the image"
SHOWN = 5
"""Columns of the inventory on the screen."""


def screen(audit: Audit) -> str:
    """Everything that matters, on one screen."""
    lines = [f"audit of {audit.name} in {audit.root}: {what_was_read(audit)}", ""]
    lines += [*text_table(count_rows(audit)), ""]
    for finding in audit.findings:
        lines += _wrapped(f"{finding.weight.upper():<5}{finding.text}", 5)
    if not audit.findings:
        lines.append("no findings")
    if audit.inventory:
        strongest = ", ".join(f"{i.column} {i.cramers_v:.2f}" for i in audit.inventory[:SHOWN])
        lines += ["", *_wrapped(f"Cramer's V with the class (1 gives it away): {strongest}", 2)]
    if audit.baselines:
        lines += ["", f"{BLIND} (percent [95 % interval], balanced, AUC):"]
        width = max(len(rule.name) for rule in audit.baselines)
        lines += [f"  {rule.name:<{width}}  {score(rule)}" for rule in audit.baselines]
    lines.append("")
    for sentence in words(audit):
        lines += _wrapped(sentence, 0)
    return "\n".join(lines)


def words(audit: Audit) -> list[str]:
    """What a score on this data set can and cannot show, in sentences."""
    said = []
    if any(finding.weight == FAIL for finding in audit.findings):
        said.append(
            "A score on this split shows nothing yet: mend what fails above and audit again."
        )
    if audit.baselines:
        blind = [rule for rule in audit.baselines if rule.blind]
        best = max(blind, key=lambda rule: rule.balanced)
        said.append(
            f"A network that is right in {best.right:,} of {best.images:,} test images"
            f" ({100 * best.accuracy:.1f} %) does no better than {_reads(best)}."
        )
    if "test" not in audit.patients:
        said.append("It cannot show anything yet: there are no test images.")
    elif audit.patients["test"]:
        said.append(
            f"The test split has {audit.patients['test']:,} patients: an accuracy of 95 % on them"
            f" would be known to within {_within(audit.patients['test'])}."
        )
    else:
        said.append(
            "It cannot show that a network works on patients it has not seen: no patient is known."
        )
    if audit.drawn:
        said.append("The split was drawn here; numbers on another split are not comparable.")
    said.append("It cannot show that a network works elsewhere: that takes an external test.")
    return said


def count_rows(audit: Audit) -> list[tuple[str, ...]]:
    """The table of images and patients: its header, then a row a split."""
    rows = [("split", *audit.classes, "images", "patients")]
    for split, row in audit.counts.iterrows():
        patients = f"{audit.patients[split]:,}" if audit.patients[split] else "not known"
        rows.append((split, *(f"{n:,}" for n in row), f"{int(row.sum()):,}", patients))
    return rows


def score(rule: Baseline) -> str:
    """One baseline's numbers in percent."""
    low, high = 100 * rule.low, 100 * rule.high
    accuracy = f"{100 * rule.accuracy:5.1f} [{low:.1f}, {high:.1f}]"
    return f"{accuracy:<20}{100 * rule.balanced:6.1f}{100 * rule.auc:7.1f}"


def what_was_read(audit: Audit) -> str:
    """How much of the data set was looked at."""
    images = int(audit.counts.to_numpy().sum())
    split = "a split drawn here" if audit.drawn else "the split that comes with it"
    read = f"{audit.read:,} of them read" if audit.read else "labels only"
    return f"{images:,} images, {read}; {split}"


def _reads(rule: Baseline) -> str:
    if rule.name == "the commonest class":
        return "always saying the commonest class"
    if rule.name.endswith("thumbnail"):
        return f"a rule that reads only the {rule.name}"
    names = {"all of these": "all properties of the file and the patient", "box": "the box"}
    return f"a rule that reads only {names.get(rule.name, rule.name)}"


def _within(patients: int) -> str:
    low, high = wilson(0.95 * patients, patients)
    return f"[{100 * low:.0f}, {100 * high:.0f}] %"


def _wrapped(text: str, indent: int) -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent=" " * indent)
