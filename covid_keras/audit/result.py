"""The result of an audit: as values, as JSON and as one screen of text."""

import textwrap
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from covid_keras.audit.check import FAIL, Finding
from covid_keras.audit.inventory import Inventory
from covid_keras.evaluation.baselines import Baseline
from covid_keras.metrics.intervals import wilson
from covid_keras.runs.folder import environment
from covid_keras.utils.text import text_table

WIDTH = 100
SHOWN = 5
"""Properties on the screen."""


@dataclass(frozen=True)
class Audit:
    """What was found in one dataset; `print(audit)` shows it on one screen."""

    name: str
    root: Path
    classes: tuple[str, ...]
    counts: pd.DataFrame
    """Number of images: splits (rows) by classes (columns)."""
    patients: dict[str, int]
    """Split to the number of patient ids; images without one are not counted."""
    drawn: bool
    """Whether the split was drawn by the audit because the dataset comes without one."""
    read: int
    """Number of images that were read; 0 if only labels exist."""
    findings: tuple[Finding, ...]
    """The most serious first."""
    inventory: tuple[Inventory, ...]
    """The property with the strongest association with the class first."""
    baselines: tuple[Baseline, ...]

    @property
    def failed(self) -> bool:
        """Whether a finding invalidates scores on this split."""
        return any(finding.severity == FAIL for finding in self.findings)

    @property
    def coverage(self) -> str:
        """How many images were audited, and on which split."""
        images = int(self.counts.to_numpy().sum())
        read = f"{self.read:,} of them read" if self.read else "labels only"
        split = "split drawn by the audit" if self.drawn else "published split"
        return f"{images:,} images, {read}; {split}"

    @property
    def conclusions(self) -> list[str]:
        """What a score on this dataset can and cannot show, in sentences."""
        sentences = []
        if self.failed:
            sentences.append(
                "A score on this split shows nothing yet: resolve each FAIL and audit again."
            )
        if self.baselines:
            blind = [baseline for baseline in self.baselines if baseline.blind]
            best = max(blind, key=lambda baseline: baseline.balanced_accuracy)
            sentences.append(
                f"A network that predicts {best.correct:,} of {best.images:,} test images"
                f" correctly ({100 * best.accuracy:.1f} %) is no better than {best.reads}."
            )
        if "test" not in self.patients:
            sentences.append("There are no test images, so there can be no score yet.")
        elif patients := self.patients["test"]:
            low, high = wilson(0.95 * patients, patients)
            sentences.append(
                f"The test split has {patients:,} patients: an accuracy of 95 % would have the"
                f" 95 % interval [{100 * low:.0f}, {100 * high:.0f}] %."
            )
        else:
            sentences.append(
                "A score cannot show that a network works on new patients: no patient is known."
            )
        if self.drawn:
            sentences.append("The split was drawn by the audit: scores on other splits differ.")
        sentences.append(
            "A score cannot show that a network works elsewhere: that takes an external test."
        )
        return sentences

    def count_rows(self) -> list[tuple[str, ...]]:
        """Return the table of images and patients: a header, then one row a split."""
        rows = [("split", *self.classes, "images", "patients")]
        for split, row in self.counts.iterrows():
            patients = f"{self.patients[split]:,}" if self.patients[split] else "not known"
            rows.append((split, *(f"{n:,}" for n in row), f"{int(row.sum()):,}", patients))
        return rows

    def baseline_rows(self) -> list[tuple[str, ...]]:
        """Return the table of baselines in percent: a header, then one row a baseline."""
        rows = [("baseline", "correct", "of", "accuracy [95 %]", "balanced", "AUC")]
        for b in self.baselines:
            accuracy = f"{100 * b.accuracy:.1f} [{100 * b.low:.1f}, {100 * b.high:.1f}]"
            percent = (f"{100 * value:.1f}" for value in (b.balanced_accuracy, b.auc))
            name = b.name if b.blind else f"{b.name} (sees the centre)"
            rows.append((name, f"{b.correct:,}", f"{b.images:,}", accuracy, *percent))
        return rows

    def to_json(self) -> dict:
        """Return plain JSON values, with the environment of this process."""
        return {
            "dataset": self.name,
            "failed": self.failed,
            "conclusions": self.conclusions,
            "split_drawn": self.drawn,
            "images": self.counts.T.to_dict(),
            "images_read": self.read,
            "patients": self.patients,
            "findings": [finding.to_json() for finding in self.findings],
            "inventory": [item.to_json() for item in self.inventory],
            "baselines": [asdict(baseline) for baseline in self.baselines],
            "environment": environment(self.root),
        }

    def __str__(self) -> str:
        """Return one screen of text."""
        lines = [f"audit of {self.name} in {self.root}: {self.coverage}", ""]
        lines += [*text_table(self.count_rows(), "<>"), ""]
        for finding in self.findings:
            lines += _wrapped(f"{finding.severity.upper():<5}{finding.text}", 5)
        if not self.findings:
            lines.append("no findings")
        explanations = dict.fromkeys(f"{f.name}: {f.explanation}" for f in self.findings)
        lines += ["", *(line for text in explanations for line in _wrapped(text, 2))]
        if self.inventory:
            strongest = ", ".join(f"{i.column} {i.cramers_v:.2f}" for i in self.inventory[:SHOWN])
            lines += ["", *_wrapped(f"Cramer's V with the class (0 none, 1 full): {strongest}", 2)]
        if self.baselines:
            lines += ["", "baselines, fitted on train, scored on test (percent):"]
            lines += text_table(self.baseline_rows(), "<>")
        return "\n".join([*lines, "", *(s for c in self.conclusions for s in _wrapped(c, 0))])


def _wrapped(text: str, indent: int) -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent=" " * indent)
