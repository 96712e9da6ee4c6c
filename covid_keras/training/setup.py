"""Set up a run folder: settle data, recipe and split before training starts."""

import logging
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pandas as pd

from covid_keras import recipes
from covid_keras.datasets import catalogue
from covid_keras.datasets.positive import positive_class, positive_last
from covid_keras.datasets.records import classes_of, image_root, load_records, one_vs_rest
from covid_keras.datasets.splits import default_rule, make_split
from covid_keras.models import hub, registry
from covid_keras.models.weights.find import check_weights
from covid_keras.phantom import MAKERS, phantom_folder
from covid_keras.recipes import config
from covid_keras.recipes.settings import override
from covid_keras.runs.run import NEW_OR_RESUME, Run, check_new, create
from covid_keras.training.preflight import (
    check_images,
    check_outputs,
    check_recipe,
    check_split,
    check_steps,
)
from covid_keras.utils.backend import gpu_count
from covid_keras.utils.errors import InputError

_log = logging.getLogger(__name__)


def set_up(
    path: Path,
    recipe: str,
    *,
    data: Path | None = None,
    dataset: str | None = None,
    weights: str | None = None,
    settings: Mapping[str, object] | None = None,
    seed: int = 0,
    quick: bool | None = None,
) -> Run:
    """Create the run folder `path`, ready to train.

    Args:
        path: a new or empty folder.
        recipe: a name of `recipes.RECIPES`.
        data: the data set's folder, or the CSV of a `folder` data set; None is the phantom.
        dataset: a name of the catalogue; None is the recipe's.
        weights: first weights; None keeps the recipe's, "random" asks for random ones.
        settings: {"training.steps": 240, ...}; values may be text, as on the command line.
        seed: of the batches, the augmentation and random weights; the split has `data.seed`.
        quick: whether to shrink the recipe for a CPU; None does so without data and without a GPU.

    Raises:
        InputError: the folder is not empty, or recipe, data and settings do not fit together.
    """
    check_new(path, NEW_OR_RESUME)
    published = recipes.get(recipe)
    phantom = published.phantom["data.dataset"]
    named = {"data.dataset": dataset or (published.data.dataset if data else phantom)}
    if data is None:
        if dataset not in (None, phantom):
            catalogue.get(dataset)
            raise InputError(f"data set {dataset}: expected the folder with its images (--data)")
        quick = gpu_count() == 0 if quick is None else quick
    settings, quick = settings or {}, bool(quick)
    settled = recipes.configured(recipe, named, settings, weights=weights, quick=quick, seed=seed)
    if "data.fold" in settings and settled.data.split != "kfold":
        raise InputError(f"folds: expected data.split=kfold. Received: {settled.data.split}")
    for change in settled.changes:
        _log.info("%s", change)
    settled = config.sized(settled, registry.get(settled.model.name).input_size)
    check_recipe(settled)
    check_weights(settled.model.weights, registry.get(settled.model.name))
    settled = override(settled, {"model.preprocessing": _preprocessing(settled.model)})
    if settled.model.name.startswith(hub.PREFIX):  # load_trained finds it from any folder
        handle = hub.lasting(settled.model.name.removeprefix(hub.PREFIX))
        settled = override(settled, {"model.name": f"{hub.PREFIX}{handle}"})
    if data is None:
        _log.info("no data given: training on the phantom, synthetic images, not patients")
        data = made_phantom(phantom)
    settled, records, classes = settle_data(settled, data)
    check_images(records, image_root(data), settled)
    return create(path, settled, records, classes, data)


def settle_data(
    recipe: config.Recipe, data: Path
) -> tuple[config.Recipe, pd.DataFrame, tuple[str, ...]]:
    """Fit a recipe to its data, without reading an image.

    Returns:
        The recipe with its positive class and steps, the records with their split, and the classes
        in the order of the outputs.

    Raises:
        InputError: a bad line in a label file, or recipe and data do not fit together.
    """
    dataset = recipe.data.dataset
    records = load_records(dataset, data, outside=recipe.data.outside)
    classes = classes_of(dataset, records)
    if rest := recipe.data.versus_rest:
        records, classes = one_vs_rest(records, classes, rest)
        positive = positive_class(dataset, classes, recipe.data.positive or rest)
    else:
        positive = positive_class(dataset, classes, recipe.data.positive)
    recipe = override(recipe, {"data.positive": positive})
    classes = positive_last(classes, positive)
    check_outputs(recipe, classes)
    records = split_records(records, recipe.data)
    check_split(records, image_root(data), recipe.training)
    recipe = config.settled(recipe, int((records["split"] == "train").sum()))
    check_steps(recipe)
    return recipe, records, classes


def made_phantom(name: str) -> Path:
    """Return the folder of the built-in phantom of that name; make it if it is not there."""
    return MAKERS[name](phantom_folder(name))


def split_records(records: pd.DataFrame, data: config.Data) -> pd.DataFrame:
    """Split the records as the recipe's data settings say."""
    rule = data.split
    if rule == "default":
        rule = default_rule(records, catalogue.get(data.dataset).split)
    names = ("folds", "fold", "source", "per_class", "group", "seed", "val")
    return make_split(records, rule=rule, **{name: getattr(data, name) for name in names})


def check_resume(
    run: Run, recipe: str, weights: str | None = None, settings: Mapping[str, object] | None = None
) -> None:
    """Raise InputError unless the run can be resumed with these arguments."""
    if given := [*(settings or {}), *filter(None, [weights])]:
        raise InputError(
            "resume: expected neither settings nor weights: both come from the run folder."
            f" Received: {', '.join(given)}"
        )
    run.check()
    name = run.recipe().name
    if name != recipe:
        raise InputError(f"{run.path}: expected a run of {recipe}. Received: a run of {name}")
    if run.model_file.exists():
        raise InputError(f"{run.path}: this run has finished; next: covid-keras evaluate")


def default_path(recipe: str, data: Path | None, dataset: str | None) -> Path:
    """Return runs/RECIPE_DATASET_TIME, the folder of a run that is given none."""
    published = recipes.get(recipe)
    dataset = dataset or (published.data.dataset if data else published.phantom["data.dataset"])
    return Path("runs") / f"{recipe}_{dataset}_{datetime.now():%Y%m%d-%H%M%S}"


def _preprocessing(model: config.Model) -> str:
    """Return the name of the preprocessing that the first weights expect."""
    source = Run(Path(model.weights).parent)
    from_run = Path(model.weights) == source.model_file and source.recipe_file.exists()
    if from_run and not model.preprocessing:
        return source.recipe().model.preprocessing
    return registry.preprocessing(model.name, model.weights, model.preprocessing).name
