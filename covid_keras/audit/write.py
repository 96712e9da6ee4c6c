"""audit.json and audit.html."""

from pathlib import Path

from covid_keras.audit import text
from covid_keras.audit.audit import Audit
from covid_keras.report.audit_page import write_audit_page
from covid_keras.runs.folder import environment
from covid_keras.utils.files import write_json


def write(audit: Audit, folder: Path) -> tuple[Path, Path]:
    """Write both files into `folder`; returns their paths."""
    path = folder / "audit.json"
    write_json(path, to_json(audit))
    return path, write_audit_page(audit, folder)


def to_json(audit: Audit) -> dict:
    """The whole audit as JSON values."""
    return {
        "dataset": audit.name,
        "failed": audit.failed,
        "says": text.words(audit),
        "split_drawn_here": audit.drawn,
        "images": {s: {k: int(n) for k, n in row.items()} for s, row in audit.counts.iterrows()},
        "images_read": audit.read,
        "patients": audit.patients,
        "findings": [finding.to_json() for finding in audit.findings],
        "inventory": [
            {
                "column": item.column,
                "cramers_v": item.cramers_v,
                "counts": {
                    str(value): {label: int(n) for label, n in row.items()}
                    for value, row in item.counts.iterrows()
                },
            }
            for item in audit.inventory
        ],
        "baselines": [
            {
                "reads": rule.name,
                "right": rule.right,
                "images": rule.images,
                "accuracy": rule.accuracy,
                "low": rule.low,
                "high": rule.high,
                "balanced_accuracy": rule.balanced,
                "auc": rule.auc,
            }
            for rule in audit.baselines
        ],
        "environment": environment(audit.root),
    }
