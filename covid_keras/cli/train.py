"""`covid-keras train` and `covid-keras run`."""

from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import covid_keras
from covid_keras.cli.parts import add_command, keywords, print_next
from covid_keras.recipes.settings import parse_assignments
from covid_keras.utils.errors import OutOfTime

QUICK = (
    "shrink the recipe for a CPU (outputs are stamped SCALED); the default without --data and"
    " without a GPU"
)


def add(commands) -> None:
    """Add the commands to the parser."""
    example = "covid-keras run ct-bit --dataset covid19-ct --data DIR --weights bit-m"
    add = add_command(commands, run, example)
    _add_shared(add)
    text = "folder of the exported SavedModel; default: saved_models/RUN"
    add("--export", type=Path, metavar="DIR", help=text)
    example = "covid-keras train ct-bit --dataset covid19-ct --data DIR --set training.steps=2000"
    add = add_command(commands, train, example)
    _add_shared(add)
    many = {"type": int, "nargs": "+", "default": [], "metavar": "N"}
    add("--folds", **many, help="train once per fold, counted from 0, into OUT/fold_N")
    add("--seeds", **many, help="train once per seed, into OUT/seed_N")
    text = "with --folds or --seeds, on JAX: put all models into every operation"
    add("--batched", action="store_true", help=text)
    text = "with --folds or --seeds: save and stop after M minutes; --resume continues"
    add("--minutes", type=float, metavar="M", help=text)


def _add_shared(add: Callable) -> None:
    """Add the arguments that both commands share."""
    add("recipe", metavar="RECIPE", help="a name from `covid-keras recipes`")
    text = "the data set's folder, or a CSV; default: the built-in phantom"
    add("--data", type=Path, metavar="DIR", help=text)
    add("--dataset", metavar="NAME", help="which data set it is; default: the recipe's")
    add("--out", type=Path, metavar="RUN", help="run folder; default: runs/RECIPE_DATASET_TIME")
    text = "initial weights: a name, a file, or random; default: the recipe's"
    add("--weights", metavar="W", help=text)
    text = "the positive class; default: the data set's, or the one that its name says"
    add("--positive", metavar="CLASS", help=text)
    text = "change a setting of the recipe; can be repeated"
    add("--set", action="append", default=[], metavar="KEY=VALUE", dest="settings", help=text)
    add("--seed", type=int, default=0, metavar="N", help="random seed; default: 0")
    add("--resume", action="store_true", help="continue the run in --out")
    add("--quick", action="store_true", default=None, help=QUICK)


def train(options: Namespace) -> None:
    """Train a recipe; without --data on the built-in phantom, which is synthetic."""
    several = keywords(options, "seeds", "folds", "batched", "minutes")
    try:
        trained = covid_keras.train(**_arguments(options), **several)
    except (KeyboardInterrupt, OutOfTime) as stop:
        print("time is up" if isinstance(stop, OutOfTime) else "")
        _print_resume("train", options)
        raise
    runs = trained.members or [trained]
    if len(runs) > 1:
        print(f"wrote model.keras, predictions_val.csv and log.csv in {len(runs)} run folders")
    else:
        print(f"wrote {runs[0].model_file}, predictions_val.csv and log.csv")
    print_next("evaluate", trained.path)


def run(options: Namespace) -> None:
    """Train, evaluate, explain, report and export a recipe in one process.

    Without --data it trains on the built-in phantom, which is synthetic.
    """
    try:
        trained = covid_keras.train(**_arguments(options))
    except KeyboardInterrupt:
        print()
        _print_resume("run", options)
        raise
    print(covid_keras.evaluate(trained))
    pictures = covid_keras.explain(trained)
    pages = covid_keras.report(trained)
    folder = options.export or Path("saved_models") / trained.path.name
    exported = covid_keras.export(trained, folder)
    print(f"wrote {trained.path} ({len(pictures)} pictures) and {exported}")
    print(f"next: open {pages[0]}")


def _arguments(options: Namespace) -> dict[str, object]:
    """Return the arguments that `train` and `run` share, as keywords of `covid_keras.train`."""
    if options.out is None and not options.resume:
        from covid_keras.training.setup import default_path  # slow to import

        options.out = default_path(options.recipe, options.data, options.dataset)
    names = "recipe", "data", "dataset", "out", "weights", "positive", "seed", "quick", "resume"
    return keywords(options, *names) | {"settings": parse_assignments(options.settings)}


def _print_resume(command: str, options: Namespace) -> None:
    """Print the command that continues a stopped run."""
    words = [command, options.recipe, "--out", options.out]
    for name in ("folds", "seeds"):
        if values := getattr(options, name, None):
            words += [f"--{name}", *values]
    print_next(*words, *(["--batched"] if getattr(options, "batched", False) else []), "--resume")
