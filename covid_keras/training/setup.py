"""The start of a run: from what was asked to a run folder that is ready to train.

Heavy imports stand inside the functions that need them.
"""

from argparse import Namespace
from datetime import datetime
from pathlib import Path

from covid_keras import recipes
from covid_keras.recipes import config
from covid_keras.recipes.config import Recipe
from covid_keras.recipes.settings import override
from covid_keras.utils.errors import InputError


def start(run, options: Namespace) -> None:
    """Make the run folder: data, recipe and split are settled here."""
    from covid_keras.datasets.records import classes_of, image_root, load_records, told_apart
    from covid_keras.models import registry
    from covid_keras.runs import folder as run_folder
    from covid_keras.training.check import check_data, check_outputs, check_recipe, check_steps

    run_folder.check_new(run.path, run_folder.NEW_OR_RESUME)
    named, root, quick = _data(options)
    recipe = _recipe(options, named, quick)
    recipe = config.sized(recipe, registry.get(recipe.model.name).input_size)
    check_recipe(recipe)
    recipe = override(recipe, {"model.preprocessing": _preprocessing(recipe.model)})
    dataset = recipe.data.dataset
    records = load_records(dataset, root)
    records, classes = told_apart(records, classes_of(dataset, records), recipe.data.positive)
    check_outputs(recipe, classes)
    records = split_records(records, recipe.data, recipe.seed)
    check_data(records, image_root(root), recipe.training.batch)
    recipe = config.settled(recipe, int((records["split"] == "train").sum()))
    check_steps(recipe)
    run_folder.create(run.path, recipe, records, classes, root)


def split_records(records, data: config.Data, seed: int):
    """Return the records split as a recipe's data settings say."""
    from covid_keras.datasets import catalogue
    from covid_keras.datasets.splits import default_rule, make_split

    rule = data.split
    if rule == "default":
        rule = default_rule(records, catalogue.get(data.dataset).split)
    return make_split(
        records,
        rule=rule,
        folds=data.folds,
        fold=data.fold,
        source=data.source,
        per_class=data.per_class,
        group=data.group,
        seed=seed,
    )


def _data(options: Namespace) -> tuple[dict[str, object], Path, bool]:
    """Settings of the data set, its folder, and whether to scale the recipe."""
    published = recipes.get(options.recipe)
    if options.data is not None:
        named = {"data.dataset": options.dataset or published.data.dataset}
        return named, options.data, options.quick
    phantom = published.phantom["data.dataset"]
    if options.dataset not in (None, phantom):
        raise InputError(f"--dataset {options.dataset}: expected --data DIR with its folder")
    from covid_keras.phantom import MAKERS, phantom_folder
    from covid_keras.utils.backend import gpu_count

    print("no --data: training on the built-in phantom, synthetic images, not patients", flush=True)
    root = MAKERS[phantom](phantom_folder(phantom))
    return dict(published.phantom), root, options.quick or gpu_count() == 0


def _recipe(options: Namespace, named: dict[str, object], quick: bool) -> Recipe:
    recipe = recipes.configured(
        options.recipe,
        named,
        options.settings,
        weights=options.weights,
        quick=quick,
        seed=options.seed,
    )
    for change in recipe.changes:
        print(f"setting: {change}")
    return recipe


def _preprocessing(model: config.Model) -> str:
    """The name of what the first weights expect; where they are a run's, of what the run got."""
    from covid_keras.models import registry
    from covid_keras.runs.folder import Run

    run = Run(Path(model.weights).parent)
    if not model.preprocessing and Path(model.weights) == run.model_file and run.path.is_dir():
        return run.recipe().model.preprocessing
    return registry.preprocessing(model.name, model.weights, model.preprocessing).name


def check_resume(run, options: Namespace) -> None:
    """Raise InputError where the run is not one that these options could go on with."""
    recipe = run.recipe()
    if options.settings or options.weights:
        raise InputError("--resume goes on with the run's own recipe: leave out --set, --weights")
    if recipe.name != options.recipe:
        raise InputError(f"{run.path}: run of {recipe.name}. Received: {options.recipe}")
    if run.model_file.exists():
        raise InputError(f"{run.path}: this run has finished; next: covid-keras evaluate")


def default_run(options: Namespace) -> Path:
    """The folder of a new run that no --out names. Raises InputError with --resume."""
    if options.resume:
        raise InputError("--resume: expected --out with the run folder to go on with")
    now = datetime.now().strftime("%Y%m%d-%H%M%S")
    published = recipes.get(options.recipe)
    usual = published.data.dataset if options.data else published.phantom["data.dataset"]
    dataset = options.dataset or usual
    return Path("runs") / f"{options.recipe}_{dataset}_{now}"
