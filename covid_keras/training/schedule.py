"""The learning rate by optimiser step, and the optimiser of a recipe."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from covid_keras.recipes.config import Training
from covid_keras.training.lamb import LAMB
from covid_keras.utils.backend import Tensor


@keras.saving.register_keras_serializable(package="covid_keras")
class StepSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """A rate for each range of steps, after an optional linear warm-up from 0.

    Args:
        rates: the learning rates.
        begins: the first step of each rate, ascending from 0.
        warmup: steps over which the first rate is reached; 0 for none.
    """

    def __init__(self, rates: Sequence[float], begins: Sequence[int], warmup: int = 0) -> None:
        self.rates = tuple(rates)
        self.begins = tuple(begins)
        self.warmup = warmup

    def __call__(self, step) -> Tensor:
        """Return the float32 learning rate at the integer tensor `step`, counted from 0."""
        return self._rate(ops.cast(step, "float32"), ops)

    def at(self, step: int) -> float:
        """Return the learning rate at `step`, in double precision."""
        return float(self._rate(step, np))

    def _rate(self, step, array) -> Tensor:
        """Compute with the functions of `array`: `keras.ops` or NumPy."""
        rate = self.rates[0]
        for begin, later in zip(self.begins[1:], self.rates[1:], strict=True):
            rate = array.where(step >= begin, later, rate)
        return array.where(step < self.warmup, self.rates[0] * step / max(self.warmup, 1), rate)

    def get_config(self) -> dict:
        return {"rates": self.rates, "begins": self.begins, "warmup": self.warmup}


def warmup_step_decay(base: float, schedule: Sequence[int]) -> StepSchedule:
    """Return BiT's schedule: linear warm-up, then decays by ten.

    Follows `get_lr` of google-research/big_transfer, bit_hyperrule.py: the warm-up begins with 0
    at step 0, and a decay at step s holds from step s + 1 on.

    Args:
        base: the rate after the warm-up.
        schedule: (end of warm-up, decay, ..., decay, end of training), ascending.
    """
    warmup, *decays, _ = schedule
    rates = [base / 10**number for number in range(len(decays) + 1)]
    return StepSchedule(rates, [0, *(decay + 1 for decay in decays)], warmup)


class WarmupStepDecay(keras.callbacks.Callback):
    """BiT's schedule as a callback for any model; see `warmup_step_decay`.

    It is installed in the optimizer when training begins: a callback that assigned rates would be
    late under `steps_per_execution`.

    Args:
        base: the learning rate after the warm-up.
        schedule: (end of warm-up, decay, ..., decay, end of training), in optimiser steps.

    Example:
        >>> import covid_keras, keras, numpy as np
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile("sgd", loss="mse")
        >>> rate = covid_keras.WarmupStepDecay(0.003, (2, 4, 6, 8))
        >>> _ = model.fit(np.ones((8, 2)), np.ones(8), batch_size=1, callbacks=[rate], verbose=0)
        >>> round(float(model.optimizer.learning_rate), 6)
        3e-05
    """

    def __init__(self, base: float, schedule: Sequence[int]) -> None:
        super().__init__()
        self.schedule = warmup_step_decay(base, schedule)

    def on_train_begin(self, logs: dict | None = None) -> None:
        self.model.optimizer.learning_rate = self.schedule


def optimizer(training: Training) -> keras.optimizers.Optimizer:
    """Return the optimiser with its schedule.

    The rate then follows the optimiser's own step counter inside the compiled step, so it is exact
    under `steps_per_execution` and after a resume.
    """
    if training.optimizer == "adam":
        return keras.optimizers.Adam(recipe_schedule(training))
    if training.optimizer == "lamb":
        return LAMB(recipe_schedule(training), weight_decay=training.weight_decay)
    return keras.optimizers.SGD(recipe_schedule(training), momentum=training.momentum)


def recipe_schedule(training: Training) -> StepSchedule:
    """Return BiT's warm-up and decays, or the recipe's own rates."""
    if training.rates:
        return StepSchedule(training.rates, training.knees[:-1])
    return warmup_step_decay(training.learning_rate, training.knees)
