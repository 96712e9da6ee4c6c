"""What the two BiT papers' studies share (protocols A and C): options and runs."""

import argparse
from collections.abc import Mapping, Sequence

from covid_keras.recipes.ct_bit import INITIALISATIONS, RESOLUTIONS
from covid_keras.studies import script
from covid_keras.studies.study import Trial

QUICK_SIDE = 4
"""With --quick, sides are divided by this."""
QUICK_STEPS = 50
"""With --quick, steps are divided by this."""
QUICK_IMAGES = 5
"""With --quick, images a class are divided by this."""


def options(description: str, studies: Mapping[str, tuple[str, ...]]) -> argparse.Namespace:
    """The script's options.

    Args:
        description: the script's docstring.
        studies: {study: the first weights that it takes by itself}.
    """
    parser = script.parser(description)
    parser.add_argument("--study", default="main", choices=studies)
    parser.add_argument(
        "--weights", nargs="+", metavar="W", help="Random, BiT-M, ..., or NAME=FILE"
    )
    chosen = parser.parse_args()
    chosen.weights = chosen.weights or studies[chosen.study]
    return chosen


def trials(
    options: argparse.Namespace,
    schedules: Sequence[tuple[int, ...]],
    few: Sequence[int],
) -> tuple[Trial, ...]:
    """The runs of the study that the options name.

    Args:
        schedules: of the study of hyper-parameters.
        few: images a class, of the study with few images.
    """
    quick = script.is_quick(options)
    weights = {
        name: INITIALISATIONS.get(name, source)
        for name, source in script.named_weights(options.weights).items()
    }
    if options.study == "resolution-schedule-mixup":
        return hyperparameters(weights, options.seeds, RESOLUTIONS, schedules, quick)
    if options.study == "few-images":
        return few_images(weights, options.seeds, few, quick)
    return initialisations(weights, options.seeds)


def initialisations(weights: Mapping[str, str], seeds: Sequence[int]) -> tuple[Trial, ...]:
    """The recipe from each of `weights`, {row: what --weights takes}."""
    return tuple(Trial(row, {}, source, seed) for row, source in weights.items() for seed in seeds)


def hyperparameters(
    weights: Mapping[str, str],
    seeds: Sequence[int],
    resolutions: Sequence[tuple[int, int]],
    schedules: Sequence[tuple[int, ...]],
    quick: bool,
) -> tuple[Trial, ...]:
    """Every resolution with every schedule, with and without mixup."""
    side, pace = (QUICK_SIDE, QUICK_STEPS) if quick else (1, 1)
    return tuple(
        Trial(
            row=f"{name}, {resize // side}/{crop // side}, {_knees(schedule, pace)}, mixup {mixup}",
            settings={
                "input.resize": resize // side,
                "input.crop": crop // side,
                "training.schedule": schedule,
                "training.steps": schedule[-1] // pace,
                "training.eval_every": min(100, schedule[-1] // pace),
                "augmentation.mixup": mixup,
            },
            weights=source,
            seed=seed,
        )
        for name, source in weights.items()
        for resize, crop in resolutions
        for schedule in schedules
        for mixup in (0.1, 0.0)
        for seed in seeds
    )


def few_images(
    weights: Mapping[str, str], seeds: Sequence[int], counts: Sequence[int], quick: bool
) -> tuple[Trial, ...]:
    """The recipe on so many training images a class, drawn anew with every seed."""
    fewer = [count // QUICK_IMAGES if quick else count for count in counts]
    return tuple(
        Trial(few_row(name, count), {"data.per_class": count}, source, seed)
        for name, source in weights.items()
        for count in fewer
        for seed in seeds
    )


def few_row(name: str, count: int) -> str:
    """The row's name."""
    return f"{name}, {count:,} a class"


def _knees(schedule: tuple[int, ...], pace: int) -> str:
    return f"[{', '.join(str(knee // pace) for knee in schedule)}]"
