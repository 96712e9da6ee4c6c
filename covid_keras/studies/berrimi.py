"""Protocol D's study: three networks on one data set."""

import argparse

from covid_keras import recipes
from covid_keras.recipes.berrimi import MODELS, PAPER
from covid_keras.studies import script
from covid_keras.studies.study import Column, Study, Trial

COLUMNS = (
    Column("accuracy", "accuracy"),
    Column("macro F1", "macro_f1"),
    Column("macro AUC", "macro_auc"),
)
NOTES = (
    "Ours: a tenth of the images is held out of training, and the weights of the epoch with the"
    " best accuracy on them are tested; the paper does not say which it tests.",
)


def options(description: str) -> argparse.Namespace:
    """The script's options."""
    parser = script.parser(description)
    parser.add_argument("--weights", metavar="W", help="default: imagenet, random on the phantom")
    chosen = parser.parse_args()
    chosen.weights = chosen.weights or ("imagenet" if chosen.data else "random")
    return chosen


def plan(recipe: str, title: str, options: argparse.Namespace) -> Study:
    """The three networks of `MODELS`, each with every seed."""
    weights = "" if options.weights == "random" else options.weights
    paper = {row: (str(accuracy), "", "") for row, accuracy in PAPER[recipe].items()}
    return Study(
        name=recipe,
        title=title,
        recipe=recipe,
        trials=tuple(
            Trial(row, settings, weights, seed)
            for row, settings in MODELS.items()
            for seed in options.seeds
        ),
        columns=COLUMNS,
        spread="median [min, max]",
        paper=paper if script.on_papers_data(options, recipes.get(recipe).data.dataset) else {},
        notes=NOTES,
    )
