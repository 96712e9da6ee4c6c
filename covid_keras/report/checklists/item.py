"""What a checklist is: numbered items, and how one is filled."""

from collections.abc import Callable
from dataclasses import dataclass

from covid_keras.report.summary import RunSummary


def by_person(run: RunSummary) -> str:
    """The answer that no run folder holds: always ""."""
    return ""


@dataclass(frozen=True)
class Item:
    """One item of a checklist."""

    number: str
    """As published: "7", "12a"."""
    topic: str
    """The section, and the heading within it."""
    wanted: str
    """What is asked, in short."""
    answer: Callable[[RunSummary], str] = by_person
    """What the run says, "" where it is not known."""
    rest: str = ""
    """What a person has to write even where the run answers."""

    def filled(self, run: RunSummary) -> str:
        """The answer, and what is left for a person to write."""
        said = self.answer(run)
        if not said:
            return f"**not known**: a person has to write {self.rest or 'this'}"
        left = f". **A person has to write**: {self.rest}" if self.rest else ""
        return said.rstrip(".") + left


@dataclass(frozen=True)
class Checklist:
    """A published list of items."""

    name: str
    citation: str
    items: tuple[Item, ...]

    def tally(self, run: RunSummary) -> tuple[int, int, int]:
        """Numbers of items that the run answers, answers in part, and leaves open."""
        said = [item for item in self.items if item.answer(run)]
        partly = sum(bool(item.rest) for item in said)
        return len(said) - partly, partly, len(self.items) - len(said)
