"""Plan the study of paper D: three networks on one data set (protocol D)."""

from collections.abc import Sequence

from covid_keras import recipes
from covid_keras.recipes.berrimi import MODELS, PAPER
from covid_keras.studies.study import Column, Source, Study, Trial

COLUMNS = (
    Column("accuracy", "accuracy"),
    Column("macro F1", "macro_f1"),
    Column("macro AUC", "macro_auc"),
)
NOTE = (
    "Ours: a tenth of the images is held out of training as val, and the weights of the epoch with"
    " the best accuracy on val are tested; the paper does not say which weights it tests."
)


def plan(
    recipe: str, title: str, source: Source, weights: str | None, seeds: Sequence[int]
) -> Study:
    """Return the study of the networks of `MODELS`, each with all seeds.

    Args:
        recipe: xray-3class or ct-2class.
        title: of the table.
        source: the paper's accuracies stand beside ours if the runs are on its data set.
        weights: initial weights of all networks; None is imagenet, and random on the phantom.
        seeds: of the runs.
    """
    weights = weights or ("imagenet" if source.data else "random")
    on_paper = source.is_on(recipes.get(recipe).data.dataset)
    return Study(
        name=recipe,
        title=title,
        recipe=recipe,
        trials=tuple(
            Trial(row, settings, "" if weights == "random" else weights, seed)
            for row, settings in MODELS.items()
            for seed in seeds
        ),
        columns=COLUMNS,
        spread="median [min, max]",
        paper={row: (str(cell), "", "") for row, cell in PAPER[recipe].items() if on_paper},
        notes=(NOTE,),
    )
