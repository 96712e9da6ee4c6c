"""Reporting checklists (CLAIM 2024, TRIPOD+AI), filled from a run folder as far as it knows.

A list is a TOML file: the published numbers and sections, a short wording of each item, and what
answers it. `fact` names a function of data_facts, model_facts or score_facts, which returns the
answer of a run as text, "" if it is not known. `answer` is the same for every run. `person` is what
a person has to write in any case.
"""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources

from covid_keras.report.checklists import data_facts, model_facts, score_facts
from covid_keras.report.summary import RunSummary

_FACTS = {"data": data_facts, "model": model_facts, "scores": score_facts}


@dataclass(frozen=True)
class Item:
    """One item of a checklist."""

    number: str
    """As published: "7", "12a"."""
    section: str
    asks: str
    """What is asked, in short."""
    answer: Callable[[RunSummary], str]
    """Returns what the run says, "" if it is not known."""
    person: str
    """What a person has to write even if the run answers."""


@dataclass(frozen=True)
class Checklist:
    """A published list of items."""

    name: str
    citation: str
    items: tuple[Item, ...]

    def tally(self, run: RunSummary) -> tuple[int, int, int]:
        """Count the items that the run answers, answers in part, and leaves open."""
        answered = [item for item in self.items if item.answer(run)]
        partly = sum(bool(item.person) for item in answered)
        return len(answered) - partly, partly, len(self.items) - len(answered)


def _load(name: str) -> Checklist:
    text = (resources.files(__name__) / f"{name}.toml").read_text(encoding="utf-8")
    content = tomllib.loads(text)
    items = (
        Item(item["number"], item["section"], item["asks"], _answer(item), item.get("person", ""))
        for item in content["items"]
    )
    return Checklist(content["name"], content["citation"], tuple(items))


def _answer(item: dict[str, str]) -> Callable[[RunSummary], str]:
    if "fact" in item:
        module, _, function = item["fact"].partition(".")
        return getattr(_FACTS[module], function)
    fixed = item.get("answer", "")
    return lambda run: fixed if run.recipe else ""


CLAIM, TRIPOD = LISTS = _load("claim"), _load("tripod")
