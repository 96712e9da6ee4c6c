"""Plan the study of paper D: three networks on one data set (protocol D)."""

from collections.abc import Sequence

from covid_keras import recipes
from covid_keras.recipes.berrimi import MODELS, PAPER
from covid_keras.studies.study import BEST_EPOCH, Column, Source, Study, Trial

COLUMNS = (
    Column("accuracy", "accuracy"),
    Column("macro F1", "macro_f1"),
    Column("macro AUC", "macro_auc"),
)


def plan(
    recipe: str, title: str, source: Source, weights: str | None, seeds: Sequence[int]
) -> Study:
    """Return the study of the networks of `MODELS`, each with all seeds.

    `weights` None is imagenet, and random on the phantom.
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
        notes=(BEST_EPOCH,),
    )
