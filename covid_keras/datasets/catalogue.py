"""The data sets that covid_keras knows by name; their cards are the TOML files of this folder.

What a data set's own documentation does not say is "not stated" on its card.
"""

import functools
from pathlib import Path

from covid_keras.datasets import covid19_ct, covidx_ct, covidx_cxr, folder
from covid_keras.datasets.card import Card, Download
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import read_toml
from covid_keras.utils.text import near_misses

READERS = {
    "covidx_ct": covidx_ct.read,
    "covidx_cxr": covidx_cxr.read,
    "covid19_ct": covid19_ct.read,
    "sars_cov_2_ct": folder.read_classes,
    "xray_3class": folder.read_classes,
    "folder": folder.read,
    "phantom_ct": covidx_ct.read,
    "phantom_xray": folder.read,
}
"""{TOML file: reader of its data sets}, in the order of the list."""


@functools.cache
def cards() -> dict[str, Card]:
    """Return {name: card} of all data sets.

    In a TOML file, `[common]` holds what its `[[cards]]` share; a key is a field of `Card`.
    """
    cards = []
    for family, reader in READERS.items():
        content = read_toml(Path(__file__).with_name(f"{family}.toml"))
        for card in content["cards"]:
            facts = content.get("common", {}) | card
            facts["downloads"] = [Download(**file) for file in facts.get("downloads", ())]
            tuples = {key: tuple(fact) for key, fact in facts.items() if isinstance(fact, list)}
            cards.append(Card(read=reader, **facts | tuples))
    return {card.name: card for card in cards}


def names() -> list[str]:
    """Return the names of all data sets, in the order of the list."""
    return list(cards())


def get(name: str) -> Card:
    """Return the card of a data set. Raises InputError with near misses for an unknown name."""
    if name not in cards():
        advice = near_misses(name, cards())
        if "/" in name or Path(name).is_dir():
            advice = f"expected a name; for images of your own: folder, with --data {name}"
        raise InputError(f"data set {name}: unknown; {advice}")
    return cards()[name]
