"""Make the optimiser and the schedule that a recipe's training settings describe."""

import keras

from covid_keras.recipes.config import Training
from covid_keras.training.lamb import LAMB
from covid_keras.training.schedule import StepSchedule, warmup_step_decay


def optimizer(training: Training) -> keras.optimizers.Optimizer:
    """Return the optimiser at its base rate; `schedule` is installed when training begins."""
    if training.optimizer == "adam":
        return keras.optimizers.Adam(training.learning_rate)
    if training.optimizer == "lamb":
        return LAMB(training.learning_rate, weight_decay=training.weight_decay)
    return keras.optimizers.SGD(training.learning_rate, momentum=training.momentum)


def schedule(training: Training) -> StepSchedule:
    """Return BiT's warm-up and decays, or the recipe's own rates."""
    if training.rates:
        return StepSchedule(training.rates, training.knees[:-1])
    return warmup_step_decay(training.learning_rate, training.knees)
