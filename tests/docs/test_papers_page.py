"""docs/explanation/papers.md: every element of the papers against the recipes and the texts."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from covid_keras import recipes
from covid_keras.recipes.config import to_json

PAGE = Path(__file__).resolve().parents[2] / "docs/explanation/papers.md"
RECIPES = {
    "A": ("ct-bit",),
    "B": ("ct-networks",),
    "C": ("cxr-bit",),
    "D": ("xray-3class", "ct-2class"),
}
FEWEST = {"A": 38, "B": 38, "C": 24, "D": 22}
"""Rows of each paper's table at least."""
STATUSES = ("as published", "open", "otherwise", "not done")


@dataclass(frozen=True)
class Element:
    """A row: what the paper says, what is done here, and what became of it."""

    letter: str
    paper: str
    here: str
    status: str


def elements() -> list[Element]:
    text = PAGE.read_text(encoding="utf-8")
    found = []
    for section in re.split(r"^## (?=[A-D]\. )", text, flags=re.M)[1:]:
        table = section[section.index("| the paper | here | |") :].split("\n\n")[0]
        for row in table.splitlines()[2:]:
            cells = [cell.strip() for cell in row[1:-1].split("|")]
            assert len(cells) == 3, row
            found.append(Element(section[0], *cells))
    return found


@pytest.mark.parametrize("letter", RECIPES)
def test_each_paper_has_all_of_its_elements(letter):
    assert sum(element.letter == letter for element in elements()) >= FEWEST[letter]


def test_each_element_says_what_became_of_it_and_why():
    for element in elements():
        status, _, reason = element.status.partition(":")
        assert status in STATUSES, element
        assert status in ("as published", "open") or reason.strip(), element


def test_settings_are_those_of_the_recipes():
    checked = 0
    for element in elements():
        for name in RECIPES[element.letter]:
            recipe = to_json(recipes.get(name))
            for section, key, text in re.findall(r"`(\w+)\.(\w+)=([^`]+)`", element.here):
                checked += 1
                if (name, key) == ("ct-2class", "dataset"):
                    continue  # protocol D's other data set
                expected = variant_value(name, f"{section}.{key}", recipe[section][key])
                assert json.loads(text) in expected, (name, element)
    assert checked > 80


def variant_value(name: str, setting: str, own: object) -> list:
    """Return the recipe's value of a setting, as JSON has it, and its variants'."""
    values = [own, *(v[setting] for v in recipes.get(name).variants.values() if setting in v)]
    return json.loads(json.dumps(values))


@pytest.mark.parametrize("letter", RECIPES)
def test_quotations_are_in_the_paper(letter, shared_data):
    texts = shared_data.parent / "papers"
    if not texts.is_dir():
        pytest.skip(f"the papers' texts are not at {texts}")
    (file,) = texts.glob(f"{letter}_*.md")
    text = plain(file.read_text(encoding="utf-8"))
    quotations = [
        q for e in elements() if e.letter == letter for q in re.findall(r'"([^"]+)"', e.paper)
    ]
    assert len(quotations) > 8
    for quotation in quotations:
        assert plain(quotation) in text, quotation


def plain(text: str) -> str:
    """Return text without formulas' marks, line breaks, references, emphasis and hyphenation."""
    text = re.sub(r"<sup>.*?</sup>|\[\d+(?:[,\u2013-]\d+)*\]|[$*]", " ", text)
    text = text.replace("\\times", "x").replace("\u00d7", " x ").replace("\\lambda", "")
    text = re.sub(r"-\n+", "", text)
    return re.sub(r"\s+", " ", re.sub(r"\s+([,.])", r"\1", text)).lower()
