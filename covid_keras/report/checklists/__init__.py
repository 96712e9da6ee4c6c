"""Reporting checklists (CLAIM 2024, TRIPOD+AI), filled from a run folder as far as it knows.

A list is a TOML file: the published numbers and sections, a short wording of each item, the names
of the `facts` that answer it, and what a `person` has to write even if they do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from covid_keras.report.run_summary import joined
from covid_keras.utils.files import read_toml


@dataclass(frozen=True)
class Item:
    """One item of a checklist."""

    number: str
    """As published: "7", "12a"."""
    section: str
    asks: str
    facts: Sequence[str] = ()
    person: str = ""

    def answer(self, facts: Mapping[str, str]) -> str:
        """Return what the run says, "" if it is not known."""
        return joined(*(facts[name] for name in self.facts))


@dataclass(frozen=True)
class Checklist:
    """A published list of items."""

    name: str
    citation: str
    items: Sequence[Item]

    def tally(self, facts: Mapping[str, str]) -> tuple[int, int, int]:
        """Count the items that a run answers, answers in part, and leaves open."""
        answered = [item for item in self.items if item.answer(facts)]
        partly = sum(bool(item.person) for item in answered)
        return len(answered) - partly, partly, len(self.items) - len(answered)


def _load(name: str) -> Checklist:
    content = read_toml(Path(__file__).with_name(name))
    return Checklist(**content | {"items": [Item(**item) for item in content["items"]]})


CLAIM, TRIPOD = LISTS = _load("claim.toml"), _load("tripod.toml")
