"""Plan the studies that the two BiT papers share (protocols A and C)."""

from collections.abc import Mapping, Sequence

from covid_keras.recipes.ct_bit import INITIALISATIONS, RESOLUTIONS
from covid_keras.studies.study import Trial, named_weights

QUICK_SIDE, QUICK_STEPS, QUICK_IMAGES = 4, 50, 5
"""With quick, sides, steps and images per class are divided by these."""


def trials(
    study: str,
    weights: Sequence[str],
    seeds: Sequence[int],
    schedules: Sequence[tuple[int, ...]],
    counts: Sequence[int],
    quick: bool,
) -> tuple[Trial, ...]:
    """Return the runs of a study: each variant of the recipe, from all weights, with all seeds.

    Args:
        study: main, initialisation, resolution-schedule-mixup or few-images.
        weights: names of `INITIALISATIONS`, files, or "NAME=FILE".
        schedules: the learning rate schedules of resolution-schedule-mixup.
        counts: training images per class of few-images.
        quick: whether to shrink the variants for a CPU.
    """
    variants: Mapping[str, Mapping[str, object]] = {"": {}}
    if study == "resolution-schedule-mixup":
        variants = _hyperparameters(schedules, quick)
    elif study == "few-images":
        counts = [count // QUICK_IMAGES if quick else count for count in counts]
        variants = {per_class(count): {"data.per_class": count} for count in counts}
    return tuple(
        Trial(", ".join(filter(None, (name, variant))), settings, source, seed)
        for name, given in named_weights(weights).items()
        for source in (INITIALISATIONS.get(name, given),)
        for variant, settings in variants.items()
        for seed in seeds
    )


def per_class(count: int) -> str:
    """Return what a row of few-images says about its number of images."""
    return f"{count:,} images per class"


def _hyperparameters(
    schedules: Sequence[tuple[int, ...]], quick: bool
) -> dict[str, dict[str, object]]:
    """Return {row: settings} of every resolution and schedule, with and without mixup."""
    side, pace = (QUICK_SIDE, QUICK_STEPS) if quick else (1, 1)
    variants = {}
    for resize, crop in RESOLUTIONS:
        for schedule in schedules:
            steps = schedule[-1] // pace
            knees = ", ".join(str(knee // pace) for knee in schedule)
            for mixup in (0.1, 0.0):
                name = f"{resize // side}/{crop // side}, [{knees}], mixup {mixup}"
                variants[name] = {
                    "input.resize": resize // side,
                    "input.crop": crop // side,
                    "training.schedule": schedule,
                    "training.steps": steps,
                    "training.eval_every": min(100, steps),
                    "augmentation.mixup": mixup,
                }
    return variants
