"""Check a whole study before its first run: what cannot work is refused, not found out later."""

from collections.abc import Sequence

from covid_keras import recipes
from covid_keras.datasets.records import image_root
from covid_keras.models import registry
from covid_keras.models.weights.find import check_weights
from covid_keras.studies.study import Column, Source, Study, recipe_of
from covid_keras.training.preflight import check_images, check_recipe
from covid_keras.training.setup import made_phantom, settle_data
from covid_keras.utils.errors import InputError


def check_study(study: Study, source: Source) -> None:
    """Check settings, weights, data and columns of every run, as the run itself will.

    Raises:
        InputError: such as a crop below a network's minimum, too few images of a class, or a column
            of a class that the data do not have.
    """
    phantom = source.data is None
    for trial in study.trials:
        recipe = recipe_of(study, trial, source, phantom)
        try:
            check_recipe(recipe)
        except InputError as error:
            raise InputError(f"{trial.row}: {error}") from None
        check_weights(recipe.model.weights, registry.get(recipe.model.name))
    data = source.data or made_phantom(recipes.get(study.recipe).phantom["data.dataset"])
    known = set()
    for trial in study.trials:
        recipe = recipe_of(study, trial, source, phantom)
        if (key := repr((recipe.data, recipe.model.activation, recipe.training))) in known:
            continue
        known.add(key)
        recipe, records, classes = settle_data(recipe, data)
        check_columns(study.columns, classes)
        if len(known) == 1:
            check_images(records, image_root(data), recipe)


def check_columns(columns: Sequence[Column], classes: Sequence[str]) -> None:
    """Raise InputError if a column is of a class that is not among these."""
    named = dict.fromkeys(column.label for column in columns if column.label)
    if not set(named) <= set(classes):
        expected = ", ".join(named)
        raise InputError(
            f"the columns of this study are of the classes {expected}: expected data with them."
            f" Received: {', '.join(classes)}; covid-keras train takes any classes"
        )
