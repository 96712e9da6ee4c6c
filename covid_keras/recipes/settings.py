"""Settings of a recipe by key, such as training.batch: read, change and compare them."""

import ast
import dataclasses
from collections.abc import Iterable, Mapping

from covid_keras.recipes.config import SECTIONS, Recipe
from covid_keras.utils.errors import InputError
from covid_keras.utils.text import near_misses

SIDES = ("input.resize", "input.crop")
"""Settings that take one side or two."""
LARGEST_SIDE = 8192
"""Pixels of a side that a network takes at most."""
OWN_DATA = "folder"
"""The data set of the user's own images: the paper says nothing of it."""
SHORT = {"lr": "learningrate", "batchsize": "batch", "bs": "batch", "wd": "weightdecay"}
"""{what other programs call a setting: its name}, without "-" and "_"."""
NO_CHANGE = (
    "data.cache",
    "data.fold",
    "data.outside",
    "data.seed",
    "model.preprocessing",
    "training.tensorboard",
)
"""Settings that are never a change: they follow from others, or change no result's meaning."""


def all_settings(recipe: Recipe) -> dict[str, object]:
    """Return all settings that `--set` reaches: {"training.batch": 64, ...}."""
    return {
        f"{section}.{name}": value
        for section in SECTIONS
        for name, value in vars(getattr(recipe, section)).items()
    }


def override(recipe: Recipe, changes: Mapping[str, object]) -> Recipe:
    """Return the recipe with `changes`: {"training.batch": 32}, or text, {"training.batch": "32"}.

    Raises:
        InputError: an unknown key (the message names near misses), or a value of another type.
    """
    known = all_settings(recipe)
    for key, value in changes.items():
        if key not in known:
            same = meant(key, known)
            hint = f"did you mean {' or '.join(same)}?" if same else near_misses(key, known)
            raise InputError(f"{key}: unknown setting; {hint}")
        section, name = key.split(".")
        value = _converted(key, value, known[key])
        part = dataclasses.replace(getattr(recipe, section), **{name: value})
        recipe = dataclasses.replace(recipe, **{section: part})
    return recipe


def meant(name: str, known: Iterable[str]) -> list[str]:
    """Return the settings whose last part is `name`, however it is spelled or shortened."""

    def plain(text: str) -> str:
        return text.split(".")[-1].lower().replace("_", "").replace("-", "")

    name = SHORT.get(plain(name), plain(name))
    return [key for key in known if plain(key) == name]


def differences(recipe: Recipe, published: Recipe) -> tuple[str, ...]:
    """Return all changed settings: ("training.steps=240 (paper: 10000)", ...).

    The paper's other networks (`published.variants`) and data sets, and `published.as_published`,
    are no change. With data of one's own the comparison is with the recipe: "(recipe: 10000)".
    """
    compared = "recipe" if recipe.data.dataset == OWN_DATA else "paper"
    after = all_settings(recipe)
    variants = published.variants.values()
    variant = next((v for v in variants if all(after[key] == v[key] for key in v)), {})
    before = all_settings(override(published, variant))
    before |= {k: v for k, v in published.as_published.items() if after[k] != before[k]}
    if recipe.data.dataset in published.other_datasets:
        before["data.dataset"] = recipe.data.dataset
    return tuple(
        f"{key}={str(after[key]) or 'not set'} ({compared}: {str(before[key]) or 'not set'})"
        for key in after
        if after[key] != before[key] and key not in NO_CHANGE
    )


def changed_settings(recipe: Recipe) -> list[str]:
    """Return the keys of `recipe.changes` that neither `quick` nor the phantom brought."""
    on_phantom = recipe.data.dataset == recipe.phantom.get("data.dataset")
    parts = [recipe.quick] if recipe.scaled else []
    parts += [recipe.phantom, recipe.phantom_quick] if on_phantom else []
    keys = [change.split("=")[0] for change in recipe.changes]
    return [
        key
        for key in keys
        if not any(key in part and override(recipe, {key: part[key]}) == recipe for part in parts)
    ]


def parse_assignments(assignments: Iterable[str], option: str = "--set") -> dict[str, str]:
    """Return ["a.b=1"] as {"a.b": "1"}. Raises InputError if there is no "="."""
    pairs = {}
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        if not equals:
            raise InputError(f"{option} {assignment}: expected KEY=VALUE. Received: {assignment!r}")
        pairs[key.strip()] = value.strip()
    return pairs


def _converted(key: str, value: object, current: object) -> object:
    """Return `value` in the type of `current`; text is parsed."""
    kind, parsed = type(current), value
    if isinstance(value, str) and kind is not str:
        try:
            parsed = ast.literal_eval(value.replace("true", "True").replace("false", "False"))
        except (ValueError, SyntaxError):
            parsed = value
    parts = tuple(parsed) if isinstance(parsed, list | tuple) else (parsed,)
    if key in SIDES:
        if len(parts) > 2 or any(type(side) is not int for side in parts):
            what = "a side, or (height, width), in pixels"
            raise InputError(f"{key}: expected {what}. Received: {parsed!r}")
        return parts if len(parts) == 2 else parts[0]
    if kind is tuple and isinstance(parsed, list | tuple):
        return parts
    if kind is float and type(parsed) is int:
        return float(parsed)
    if type(parsed) is not kind:
        what = {int: "a whole number", float: "a number"}.get(kind, kind.__name__)
        raise InputError(f"{key}: expected {what}, such as {current!r}. Received: {value!r}")
    return parsed
