"""`covid-keras train` and `covid-keras run`."""

from argparse import Namespace

import covid_keras
from covid_keras import recipes
from covid_keras.cli.parts import export_folder, keywords, print_next
from covid_keras.datasets import catalogue
from covid_keras.models import registry
from covid_keras.recipes.settings import parse_assignments
from covid_keras.utils.backend import import_keras
from covid_keras.utils.console import say, say_text
from covid_keras.utils.errors import OutOfTime
from covid_keras.utils.text import shell


def train(options: Namespace) -> None:
    """Train a recipe; without --data on the built-in phantom, which is synthetic."""
    several = keywords(options, "seeds", "folds", "batched", "minutes")
    try:
        trained = covid_keras.train(**_arguments(options), **several)
    except (KeyboardInterrupt, OutOfTime) as stop:
        say("time is up" if isinstance(stop, OutOfTime) else "")
        _print_resume("train", options)
        raise
    runs = trained.members or [trained]
    val = "predictions_val.csv, " if runs[0].has_val() else ""
    where = f" in {len(runs)} run folders" if len(runs) > 1 else ""
    say(f"wrote {'' if where else f'{runs[0].path}/'}model.keras, {val}log.csv{where}")
    print_next("evaluate", trained.path)


def run(options: Namespace) -> None:
    """Train, evaluate, explain, report and export a recipe in one process.

    Without --data it trains on the built-in phantom, which is synthetic.
    """
    from covid_keras.metrics.results import Metrics  # slow to import
    from covid_keras.runs.metrics_file import read_metrics

    arguments = _arguments(options)
    if options.export:
        import_keras()
        from covid_keras.export.export import check_out  # slow to import

        check_out(options.export, overwrite=False)
    try:
        trained = covid_keras.train(**arguments)
    except KeyboardInterrupt:
        say("")
        _print_resume("run", options)
        raise
    covid_keras.evaluate(trained)
    pictures = [path for path in covid_keras.explain(trained) if path.suffix == ".png"]
    # Not what evaluate returns: explain adds what the maps are worth.
    say_text(Metrics.of_set(read_metrics(trained.metrics_file), "test"))
    pages = covid_keras.report(trained)
    folder = options.export or export_folder(trained.path)
    exported = covid_keras.export(trained, folder)
    say(f"wrote {trained.path} ({len(pictures)} pictures) and {exported}")
    say(f"next: {shell('open', pages[0])}")


def _arguments(options: Namespace) -> dict[str, object]:
    """Return the arguments that `train` and `run` share, as keywords of `covid_keras.train`."""
    settings = parse_assignments(options.settings)
    _check_names(options, settings)
    if options.out is None and not options.resume:
        from covid_keras.training.setup import default_path  # slow to import

        options.out = default_path(options.recipe, options.data, options.dataset)
    names = "recipe", "data", "dataset", "out", "weights", "positive", "seed", "quick", "resume"
    return keywords(options, *names) | {"settings": settings}


def _check_names(options: Namespace, settings: dict[str, str]) -> None:
    """Raise InputError for unknown names, before anything slow is imported."""
    named = {"data.dataset": options.dataset} if options.dataset else {}
    recipe = recipes.configured(options.recipe, named, settings)
    catalogue.get(recipe.data.dataset)
    network = registry.get(recipe.model.name)
    if options.weights or (options.data and "model.name" in settings):
        from covid_keras.models.weights.find import check_weights  # slow to import

        check_weights(options.weights or recipe.model.weights, network)


def _print_resume(command: str, options: Namespace) -> None:
    """Print what a stopped run has saved, and the command that continues it."""
    top = covid_keras.Run(options.out)
    runs = top.members or [top]
    saved = [run.last_checkpoint for run in runs if run.last_checkpoint.exists()]
    say(*(f"saved {checkpoint}" for checkpoint in saved))
    if not any(run.recipe_file.exists() for run in runs):
        say("nothing was saved")
        return
    words = [command, options.recipe, "--out", options.out]
    for name in ("folds", "seeds"):
        if values := getattr(options, name, None):
            words += [f"--{name}", *values]
    print_next(*words, *(["--batched"] if getattr(options, "batched", False) else []), "--resume")
