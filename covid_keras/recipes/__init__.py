"""What each paper says, one TOML file a paper, its results beside it; and the recipe of one run."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from covid_keras.recipes import config, settings
from covid_keras.recipes.config import Recipe
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import read_toml
from covid_keras.utils.text import near_misses

_FILES = ("ct_bit", "ct_networks", "cxr_bit", "berrimi")
_PAPERS = [read_toml(Path(__file__).with_name(f"{name}.toml")) for name in _FILES]
TABLES = {recipe["name"]: paper for paper in _PAPERS for recipe in paper["recipes"]}
"""{name of a recipe: all tables of its paper}."""
RECIPES = {
    values["name"]: config.from_json(
        {"citation": paper["citation"], **paper.get("common", {}), **values}
    )
    for paper in _PAPERS
    for values in paper["recipes"]
}


def get(name: str) -> Recipe:
    """Return the recipe of that name. Raises InputError, with the known names, if there is none."""
    if name not in RECIPES:
        raise InputError(f"recipe {name!r} is unknown; {near_misses(name, RECIPES)}")
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
        named: settings of the caller, {"data.dataset": "covid19-ct", ...}; the data set of the
            recipe's phantom brings the settings for it.
        changes: settings of the user, {"training.steps": 240, ...}; they override all others.
        weights: initial weights; None for the recipe's, "random" for random ones.
        quick: whether to shrink the recipe for a CPU.

    Raises:
        InputError: an unknown recipe or setting, or a value of another type.
    """
    published = recipe = get(name)
    initial = {} if weights is None else {"model.weights": weights}
    on_phantom = named.get("data.dataset") == published.phantom["data.dataset"]
    steps = [
        published.quick if quick else {},
        published.phantom if on_phantom else {},
        published.phantom_quick if on_phantom and quick and weights is None else {},
    ]
    for step in (*steps, named, changes or {}, initial):
        recipe = settings.override(recipe, step)
    differences = settings.differences(recipe, published)
    return dataclasses.replace(recipe, scaled=quick, changes=differences, seed=seed)
