"""Plan the studies of the papers that have several scripts: BiT (protocols A and C), and D."""

import argparse
from collections.abc import Mapping, Sequence
from itertools import product

from covid_keras import recipes
from covid_keras.recipes.published import published
from covid_keras.studies.study import Column, Source, Study, Trial, named_weights

TABLES = recipes.TABLES["ct-bit"]
"""Of protocol A; protocol C has the same resolutions and initial weights."""
MIXUP = (0.1, 0.0)
"""With mixup and without."""
QUICK_SIDE, QUICK_STEPS, QUICK_IMAGES = 4, 50, 5
"""With quick, sides, steps and images per class are divided by these."""


def bit_study(
    recipe: str,
    title: str,
    weights: Sequence[str],
    columns: Sequence[Column],
    options: argparse.Namespace,
    source: Source,
) -> Study:
    """Return a study of protocol A or C.

    Args:
        recipe: ct-bit or cxr-bit.
        title: what the protocol is called.
        weights: the study's default initial weights, the paper's names.
        columns: of its table.
        options: of the script: study, weights, seeds and full.
        source: of its images.
    """
    study, weights = options.study, options.weights or weights
    return Study(
        name=f"{recipe}-{study}",
        title=f"{title}: {study}",
        recipe=recipe,
        trials=bit_trials(
            study, recipe, weights, options.seeds, quick=source.quick, full=options.full
        ),
        columns=tuple(columns),
        spread="median [min, max]",
        published=published(recipe, study),
        reference=reference(study, recipe, weights, quick=source.quick),
    )


def bit_trials(
    study: str,
    recipe: str,
    weights: Sequence[str],
    seeds: Sequence[int],
    *,
    quick: bool = False,
    full: bool = False,
) -> tuple[Trial, ...]:
    """Return the runs of a study: each variant of the recipe, from all weights, with all seeds.

    Args:
        study: main, initialisation, resolution-schedule-mixup or few-images.
        recipe: ct-bit or cxr-bit.
        weights: the paper's names, files, or "NAME=FILE".
        quick: whether to shrink the variants for a CPU.
        full: whether resolution-schedule-mixup runs all combinations; else, as the papers lay it
            out, resolutions at the default schedule and schedules at the default resolution.
    """
    variants: Mapping[str, Mapping[str, object]] = {"": {}}
    paper, twice = recipes.TABLES[recipe], ()
    if study == "resolution-schedule-mixup":
        variants, twice = _hyperparameters(recipe, quick, full)
    elif study == "few-images":
        counts = [count // QUICK_IMAGES if quick else count for count in paper["few_images"]]
        variants = {per_class(count): {"data.per_class": count} for count in counts}
    named = {
        name: TABLES["initialisations"].get(name, given)
        for name, given in named_weights(weights).items()
    }
    runs = [(name, *variant) for name in named for variant in variants.items()]
    if study == "few-images":  # the papers draw the last weights on all images, too
        runs.append((list(named)[-1], "all images", {}))
    return tuple(
        Trial(", ".join(filter(None, (name, variant))), settings, named[name], seed)
        for name, variant, settings in runs
        for seed in (_two(seeds) if variant in twice else seeds)
    )


def _two(seeds: Sequence[int]) -> Sequence[int]:
    """Return two seeds or more."""
    return seeds if len(seeds) > 1 else (seeds[0], seeds[0] + 1)


def _hyperparameters(
    recipe: str, quick: bool, full: bool
) -> tuple[dict[str, dict[str, object]], Sequence[str]]:
    """Return {row: settings} of the resolutions, schedules and mixup, and the rows of two runs."""
    paper, own = recipes.TABLES[recipe], recipes.get(recipe).training.schedule
    sides = [*map(tuple, TABLES["resolutions"])]
    schedules = [*map(tuple, paper["schedules"])]
    levels = [
        (side, schedule)
        for side, schedule in product(sides, schedules)
        if full or side == sides[-1] or schedule == own
    ]
    variants = dict(
        _variant(*each, schedule, mixup, quick)
        for (each, schedule), mixup in product(levels, MIXUP)
    )
    twice = [_variant(*sides[-1], own, mixup, quick)[0] for mixup in MIXUP]
    return variants, twice if paper["default_runs"] == 2 and not full else ()


def reference(study: str, recipe: str, weights: Sequence[str], *, quick: bool) -> str:
    """Return the row with the recipe's own settings among resolutions, schedules and mixup; "" for
    other studies."""
    if study != "resolution-schedule-mixup":
        return ""
    own, sides = recipes.get(recipe).training.schedule, TABLES["resolutions"][-1]
    variant, _ = _variant(*sides, own, MIXUP[0], quick)
    return f"{list(named_weights(weights))[-1]}, {variant}"


def per_class(count: int) -> str:
    """Return how a row of few-images names its number of images."""
    return f"{count:,} images per class"


def _variant(
    resize: int, crop: int, schedule: tuple[int, ...], mixup: float, quick: bool
) -> tuple[str, dict[str, object]]:
    """Return the row and the settings of one resolution and schedule."""
    side, pace = (QUICK_SIDE, QUICK_STEPS) if quick else (1, 1)
    steps = schedule[-1] // pace
    knees = ", ".join(str(knee // pace) for knee in schedule)
    return f"{resize // side}/{crop // side}, [{knees}], mixup {mixup}", {
        "input.resize": resize // side,
        "input.crop": crop // side,
        "training.schedule": schedule,
        "training.steps": steps,
        "training.eval_every": min(100, steps),
        "augmentation.mixup": mixup,
    }


def three_networks(recipe: str, title: str, source: Source, options: argparse.Namespace) -> Study:
    """Return the study of the three networks of protocol D, each with all seeds."""
    kept, name = as_published(recipe, options)
    titles = {"accuracy": "accuracy", "macro F1": "macro_f1", "macro AUC": "macro_auc"}
    return Study(
        name=name,
        title=title,
        recipe=recipe,
        trials=tuple(
            Trial(row, settings | kept, options.weights, seed)
            for row, settings in recipes.get(recipe).variants.items()
            for seed in options.seeds
        ),
        columns=tuple(Column(name, metric) for name, metric in titles.items()),
        spread="median [min, max]",
        published=published(recipe, recipe),
    )


def as_published(recipe: str, options: argparse.Namespace) -> tuple[Mapping[str, object], str]:
    """Return the settings that --as-published adds, none without it, and the study's name."""
    if not options.as_published:
        return {}, recipe
    return recipes.get(recipe).as_published, f"{recipe}-as-published"
