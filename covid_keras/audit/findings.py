"""What an audit says: findings, each with its weight and its evidence."""

from collections.abc import Mapping
from dataclasses import dataclass, field

FAIL, WARN, NOTE = "fail", "warn", "note"
"""fail: scores on this split mean nothing until it is mended. warn: to be looked at. note: to be
said with every score."""


@dataclass(frozen=True)
class Finding:
    """One thing that was found."""

    kind: str
    """leak, shortcut, label or file."""
    weight: str
    """fail, warn or note."""
    text: str
    """One sentence, with the numbers."""
    evidence: Mapping[str, object] = field(default_factory=dict)
    """JSON values: names of patients or images, counts, scores."""
    pairs: tuple[tuple[str, str], ...] = ()
    """Images to be shown side by side."""

    def to_json(self) -> dict:
        """Plain JSON values."""
        return {
            "kind": self.kind,
            "weight": self.weight,
            "text": self.text,
            "evidence": dict(self.evidence),
            "pairs": [list(pair) for pair in self.pairs],
        }
