"""What each paper says, as data, one module a paper; and the recipe of one run."""

import dataclasses
from collections.abc import Mapping

from covid_keras.recipes import settings
from covid_keras.recipes.berrimi import CT_2CLASS, XRAY_3CLASS
from covid_keras.recipes.config import Recipe
from covid_keras.recipes.ct_bit import CT_BIT
from covid_keras.recipes.ct_networks import CT_NETWORKS
from covid_keras.recipes.cxr_bit import CXR_BIT
from covid_keras.utils.errors import InputError

RECIPES = {recipe.name: recipe for recipe in (CT_BIT, CT_NETWORKS, CXR_BIT, XRAY_3CLASS, CT_2CLASS)}


def get(name: str) -> Recipe:
    """Return the recipe of that name. Raises InputError, with the known names, if there is none."""
    if name not in RECIPES:
        known = ", ".join(RECIPES)
        raise InputError(f"unknown recipe: expected one of {known}. Received: {name!r}")
    return RECIPES[name]


def configured(
    name: str,
    named: Mapping[str, object],
    changes: Mapping[str, object] | None = None,
    *,
    weights: str | None = None,
    quick: bool = False,
    seed: int = 0,
) -> Recipe:
    """Return the recipe `name` for one run.

    `config.sized` and `config.settled` fill in what depends on the network and on the data.

    Args:
        named: settings of the caller, {"data.dataset": "covid19-ct", ...}.
        changes: settings of the user, {"training.steps": 240, ...}; they override all others.
        weights: initial weights; None for the recipe's, "random" for random ones.
        quick: whether to shrink the recipe for a CPU.

    Raises:
        InputError: an unknown recipe or setting, or a value of another type.
    """
    published = recipe = get(name)
    initial = {} if weights is None else {"model.weights": weights}
    for step in (published.quick if quick else {}, named, changes or {}, initial):
        recipe = settings.override(recipe, step)
    differences = settings.differences(recipe, published)
    return dataclasses.replace(recipe, scaled=quick, changes=differences, seed=seed)
