"""What a network was trained on, in the few facts that a verdict begins with."""

from collections.abc import Sequence

from covid_keras.datasets import catalogue
from covid_keras.phantom import MAKERS
from covid_keras.runs.run import Run
from covid_keras.utils.files import read_json
from covid_keras.utils.shape import check_shape
from covid_keras.utils.text import short_path

_RECIPE = {"model": {"name": str}, "data": {"dataset": str}}
_COUNTS = {"images": {str: {str: int}}, "patients": {str: int}}


def training_facts(runs: Sequence[Run]) -> dict:
    """Return what a run, or the members of an ensemble, were trained on, ready for JSON.

    Returns:
        runs, their number; network and dataset, by name; images and patients of train, None where
        they are not known or differ between the members.
    """
    recipes = [read_json(run.recipe_file) for run in runs]
    for run, recipe in zip(runs, recipes, strict=True):
        check_shape(recipe, _RECIPE, str(run.recipe_file))
    networks = dict.fromkeys(short_path(recipe["model"]["name"]) for recipe in recipes)
    datasets = dict.fromkeys(_title(recipe["data"]["dataset"]) for recipe in recipes)
    counts = [_counts(run) for run in runs]
    return {
        "runs": len(runs),
        "network": ", ".join(networks),
        "dataset": ", ".join(datasets),
        "images": _same([images for images, _ in counts]),
        "patients": _same([patients for _, patients in counts]),
    }


def _title(dataset: str) -> str:
    """Return a data set's name as text: of a published one its title, without remarks."""
    if dataset in MAKERS:
        return "the built-in phantom"
    card = catalogue.get(dataset) if dataset in catalogue.names() else None
    if card is None or not card.classes:
        return "own images"
    return card.title.partition(":")[0].partition(" (")[0]


def _counts(run: Run) -> tuple[int | None, int | None]:
    """Return the images and patients of train; None where they are not known."""
    known = read_json(run.fingerprint_file) if run.fingerprint_file.exists() else {}
    if not {*_COUNTS} <= set(known):
        return None, None
    check_shape(known, _COUNTS, str(run.fingerprint_file))
    return sum(known["images"].get("train", {}).values()), known["patients"].get("train") or None


def _same(values: Sequence[int | None]) -> int | None:
    """Return the value that all are; None if they differ."""
    return values[0] if len(set(values)) == 1 else None
