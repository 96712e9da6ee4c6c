"""The datasets that covid_keras knows by name.

Counts, label rules and licences come from the datasets' own documentation (on GitHub:
haydengunraj/COVIDNet-CT, lindawangg/COVID-Net, UCSD-AI4H/COVID-CT) or are counted in their label
files; what is not documented is "not stated".
"""

from covid_keras.datasets import (
    covid19_ct,
    covidx_ct,
    covidx_cxr,
    folder,
    phantoms,
    sars_cov_2_ct,
    xray_3class,
)
from covid_keras.datasets.card import Card
from covid_keras.utils.errors import InputError
from covid_keras.utils.text import near_misses

CARDS = {
    card.name: card
    for card in (
        *covidx_ct.CARDS,
        *covidx_cxr.CARDS,
        covid19_ct.CARD,
        sars_cov_2_ct.CARD,
        xray_3class.CARD,
        folder.CARD,
        *phantoms.CARDS,
    )
}


def names() -> list[str]:
    """Return all dataset names, in the order of the list."""
    return list(CARDS)


def get(name: str) -> Card:
    """Return the card of a dataset. Raises InputError with near misses for an unknown name."""
    if name not in CARDS:
        raise InputError(f"dataset {name}: unknown; {near_misses(name, CARDS)}")
    return CARDS[name]
