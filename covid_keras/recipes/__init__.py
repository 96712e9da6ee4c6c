"""What each paper says, as data: one module a paper, no logic."""

import difflib

from covid_keras.errors import InputError
from covid_keras.recipes.base import Recipe
from covid_keras.recipes.berrimi import CT_2CLASS, XRAY_3CLASS
from covid_keras.recipes.ct_bit import CT_BIT
from covid_keras.recipes.ct_networks import CT_NETWORKS
from covid_keras.recipes.cxr_bit import CXR_BIT

RECIPES = {recipe.name: recipe for recipe in (CT_BIT, CT_NETWORKS, CXR_BIT, XRAY_3CLASS, CT_2CLASS)}


def get(name: str) -> Recipe:
    """The recipe of that name. Raises InputError, naming the near misses, where there is none."""
    if name not in RECIPES:
        near = difflib.get_close_matches(name, RECIPES, cutoff=0.4) or list(RECIPES)
        raise InputError(f"unknown recipe: expected one of {', '.join(near)}. Received: {name!r}")
    return RECIPES[name]
