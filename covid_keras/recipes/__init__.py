"""What each paper says, as data: one module a paper; and the recipe of one run."""

import dataclasses
import difflib
from collections.abc import Mapping, Sequence

from covid_keras.recipes import config
from covid_keras.recipes.berrimi import CT_2CLASS, XRAY_3CLASS
from covid_keras.recipes.config import Recipe
from covid_keras.recipes.ct_bit import CT_BIT
from covid_keras.recipes.ct_networks import CT_NETWORKS
from covid_keras.recipes.cxr_bit import CXR_BIT
from covid_keras.utils.errors import InputError

RECIPES = {recipe.name: recipe for recipe in (CT_BIT, CT_NETWORKS, CXR_BIT, XRAY_3CLASS, CT_2CLASS)}


def get(name: str) -> Recipe:
    """The recipe of that name. Raises InputError, naming the near misses, where there is none."""
    if name not in RECIPES:
        near = difflib.get_close_matches(name, RECIPES, cutoff=0.4) or list(RECIPES)
        raise InputError(f"unknown recipe: expected one of {', '.join(near)}. Received: {name!r}")
    return RECIPES[name]


def configured(
    name: str,
    named: Mapping[str, object],
    assignments: Sequence[str] = (),
    *,
    weights: str | None = None,
    quick: bool = False,
    seed: int = 0,
) -> Recipe:
    """The recipe `name` as one run takes it; sides and steps that follow from the network and the
    data are still open, see `config.sized` and `config.settled`.

    Args:
        named: settings that a caller sets, {"data.dataset": "covid19-ct", ...}.
        assignments: of the user, "key=value"; they have the last word.
        weights: first weights; None leaves the recipe's.
        quick: scale the recipe to two cores.

    Raises:
        InputError: an unknown recipe or setting, or a value of another type.
    """
    published = get(name)
    recipe = config.override(published, published.quick if quick else {})
    recipe = config.override(recipe, named)
    recipe = config.override(recipe, config.parse_assignments(assignments))
    if weights is not None:
        recipe = config.override(recipe, {"model.weights": weights})
    changes = config.differences(recipe, published)
    return dataclasses.replace(recipe, scaled=quick, changes=changes, seed=seed)
