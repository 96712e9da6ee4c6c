"""The result of an audit: as values, as JSON and as one screen of text."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import pandas as pd

from covid_keras.audit.check import DRAWN, FAIL, AuditData, Finding
from covid_keras.audit.inventory import Inventory
from covid_keras.datasets.label_files import SPLITS
from covid_keras.metrics.intervals import wilson
from covid_keras.metrics.sentences import wrapped
from covid_keras.runs.environment import environment
from covid_keras.utils.text import percent, text_table

SHOWN = 5
"""Properties on the screen."""


@dataclass(frozen=True)
class Audit:
    """What was found in one data set; `print(audit)` shows it on one screen."""

    data: AuditData
    findings: tuple[Finding, ...]
    """The most serious first."""
    inventory: tuple[Inventory, ...]
    """The property with the strongest association with the class first."""

    @property
    def failed(self) -> bool:
        """Whether a finding invalidates scores on this split."""
        return any(finding.severity == FAIL for finding in self.findings)

    @property
    def counts(self) -> pd.DataFrame:
        """Number of images by split (rows) and class (columns)."""
        records = self.data.records
        counts = pd.crosstab(records["split"], records["label"])
        present = [split for split in (*SPLITS, "") if split in counts.index]
        return counts.loc[present, list(self.data.classes)]

    @property
    def patients(self) -> dict[str, int]:
        """Number of patient ids by split; images without an id are not counted."""
        patients = self.data.records["patient"].replace("", None)
        return patients.groupby(self.data.records["split"]).nunique().to_dict()

    @property
    def coverage(self) -> str:
        """How many images were audited, and on which split."""
        scan = self.data.scan
        read = f"{len(scan.table):,} of them read" if scan else "labels only"
        return f"{len(self.data.records):,} images, {read}; {self.data.split}"

    def conclusions(self) -> Iterator[str]:
        """Yield what a score on this data set can and cannot show, in sentences."""
        if self.failed:
            yield "A score on this split shows nothing yet: resolve each FAIL and audit again."
        if blind := [baseline for baseline in self.data.baselines if baseline.blind]:
            best = max(blind, key=lambda baseline: baseline.balanced_accuracy)
            yield (
                f"A network that predicts {best.correct:,} of {best.images:,} test images"
                f" correctly ({percent(best.accuracy)} %) is no better than {best.reads}."
            )
        patients = self.patients.get("test")
        if patients is None:
            yield "There are no test images, so there can be no score yet."
        elif patients:
            low, high = (percent(limit, 0) for limit in wilson(0.95 * patients, patients))
            yield (
                f"The test split has {patients:,} patients: an accuracy of 95 % would have the"
                f" 95 % interval [{low}, {high}] %."
            )
        else:
            yield "A score cannot show that a network works on new patients: no patient is known."
        if self.data.split == DRAWN:
            yield "The split was drawn by the audit: scores on other splits differ."
        yield "A score cannot show that a network works elsewhere: that takes an external test."

    def count_rows(self) -> list[tuple[str, ...]]:
        """Return the table of images and patients: a header, then one row per split."""
        rows = [("split", *self.data.classes, "images", "patients")]
        for split, row in self.counts.iterrows():
            patients = f"{self.patients[split]:,}" if self.patients[split] else "not known"
            rows.append((split or "none", *(f"{n:,}" for n in (*row, row.sum())), patients))
        return rows

    def baseline_rows(self) -> list[tuple[str, ...]]:
        """Return the table of baselines in percent: a header, then one row a baseline."""
        rows = [("baseline", "correct", "of", "accuracy [95 %]", "balanced", "AUC")]
        for b in self.data.baselines:
            name = b.name if b.blind else f"{b.name} (sees the centre)"
            accuracy = f"{percent(b.accuracy)} [{percent(b.low)}, {percent(b.high)}]"
            scores = (percent(b.balanced_accuracy), percent(b.auc))
            rows.append((name, f"{b.correct:,}", f"{b.images:,}", accuracy, *scores))
        return rows

    def to_json(self) -> dict:
        """Return plain JSON values, with the environment of this process."""
        return {
            "dataset": self.data.card.name,
            "failed": self.failed,
            "conclusions": list(self.conclusions()),
            "split_drawn": self.data.split == DRAWN,
            "images": self.counts.T.to_dict(),
            "images_read": len(self.data.scan.table) if self.data.scan else 0,
            "patients": self.patients,
            "findings": [asdict(finding) for finding in self.findings],
            "inventory": [item.to_json() for item in self.inventory],
            "baselines": [asdict(baseline) for baseline in self.data.baselines],
            "environment": environment(self.data.root),
        }

    def __str__(self) -> str:
        """Return one screen of text."""
        title = f"audit of {self.data.card.name} in {self.data.root}: {self.coverage}"
        findings = [f"{f.severity.upper():<5}{f.text}" for f in self.findings] or ["no findings"]
        parts = [[title], text_table(self.count_rows(), "<>"), wrapped(findings)]
        parts += [wrapped(dict.fromkeys(f"{f.name}: {f.explanation}" for f in self.findings))]
        if self.inventory:
            strongest = ", ".join(f"{i.column} {i.cramers_v:.2f}" for i in self.inventory[:SHOWN])
            parts += [wrapped([f"Cramer's V with the class (0 none, 1 full): {strongest}"])]
        if self.data.baselines:
            title = "baselines, fitted on train, scored on test (percent):"
            parts += [[title, *text_table(self.baseline_rows(), "<>")]]
        parts += [wrapped(self.conclusions())]
        return "\n\n".join("\n".join(lines) for lines in parts if lines)
