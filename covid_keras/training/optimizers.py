"""From a recipe's training settings to an optimiser and its schedule."""

import keras

from covid_keras.recipes.config import Training
from covid_keras.training.lamb import LAMB
from covid_keras.training.rhythm import stepwise, warmup_step_decay
from covid_keras.training.schedule import WarmupStepDecaySchedule


def optimizer(training: Training) -> keras.optimizers.Optimizer:
    """The optimiser at its base rate; `schedule` is installed when training begins."""
    if training.optimizer == "adam":
        return keras.optimizers.Adam(training.learning_rate)
    if training.optimizer == "lamb":
        return LAMB(training.learning_rate, weight_decay=training.weight_decay)
    return keras.optimizers.SGD(training.learning_rate, momentum=training.momentum)


def schedule(training: Training) -> keras.optimizers.schedules.LearningRateSchedule:
    """The learning rate inside the compiled step; `rate` is the same as a pure function."""
    if not training.rates:
        return WarmupStepDecaySchedule(training.learning_rate, training.knees)
    # Keras keeps a rate up to and including its boundary.
    boundaries = [knee - 1 for knee in training.knees[1:-1]]
    return keras.optimizers.schedules.PiecewiseConstantDecay(boundaries, list(training.rates))


def rate(training: Training, step: int) -> float:
    """The learning rate at `step`, counted from 0."""
    if not training.rates:
        return warmup_step_decay(step, training.learning_rate, training.knees)
    return stepwise(step, training.knees, training.rates)
