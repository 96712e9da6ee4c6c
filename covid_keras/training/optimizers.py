"""Make the optimiser and the schedule that a recipe's training settings describe."""

import keras

from covid_keras.recipes.config import Training
from covid_keras.training.lamb import LAMB
from covid_keras.training.schedule import StepSchedule, warmup_step_decay


def optimizer(training: Training) -> keras.optimizers.Optimizer:
    """Return the optimiser with its schedule.

    The rate then follows the optimiser's own step counter inside the compiled step, so it is exact
    under `steps_per_execution` and after a resume.
    """
    if training.optimizer == "adam":
        return keras.optimizers.Adam(schedule(training))
    if training.optimizer == "lamb":
        return LAMB(schedule(training), weight_decay=training.weight_decay)
    return keras.optimizers.SGD(schedule(training), momentum=training.momentum)


def schedule(training: Training) -> StepSchedule:
    """Return BiT's warm-up and decays, or the recipe's own rates."""
    if training.rates:
        return StepSchedule(training.rates, training.knees[:-1])
    return warmup_step_decay(training.learning_rate, training.knees)
