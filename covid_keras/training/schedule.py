"""Learning rate by optimiser step: linear warm-up, then decays by ten (BiT's hyper-rule).

`warmup_step_decay` follows `get_lr` of google-research/big_transfer, bit_hyperrule.py, in which
step 0 has rate 0 and a decay at step s holds from step s + 1 on.
"""

import keras
from keras import ops


def warmup_step_decay(step: int, base: float, schedule: tuple[int, ...]) -> float:
    """The learning rate at `step`, counted from 0.

    Args:
        step: optimiser step, 0 to schedule[-1] - 1.
        base: the rate after warm-up.
        schedule: (end of warm-up, decay, ..., decay, end of training), ascending.
    """
    warmup, *decays, _ = schedule
    if step < warmup:
        return base * step / warmup
    return base / 10 ** sum(decay < step for decay in decays)


def stretched(schedule: tuple[int, ...], steps: int) -> tuple[int, ...]:
    """The schedule with every knee moved in proportion, so that it ends at `steps`."""
    return tuple(round(knee * steps / schedule[-1]) for knee in schedule)


@keras.saving.register_keras_serializable(package="covid_keras")
class WarmupStepDecaySchedule(keras.optimizers.schedules.LearningRateSchedule):
    """`warmup_step_decay` as a Keras schedule: exact at every step, in the compiled step too."""

    def __init__(self, base: float, schedule: tuple[int, ...]) -> None:
        self.base = base
        self.schedule = tuple(schedule)

    def __call__(self, step):
        """The float32 learning rate at the integer tensor `step`."""
        step = ops.cast(step, "float32")
        warmup, *decays, _ = self.schedule
        rate = ops.convert_to_tensor(self.base, "float32")
        for number, decay in enumerate(decays, start=1):
            rate = ops.where(step > decay, self.base / 10**number, rate)
        return ops.where(step < warmup, self.base * step / max(warmup, 1), rate)

    def get_config(self) -> dict:
        return {"base": self.base, "schedule": list(self.schedule)}


class WarmupStepDecay(keras.callbacks.Callback):
    """Installs the schedule in the model's optimiser when training begins.

    The rate is then computed inside the compiled step from the optimiser's own step counter, so it
    is exact under `steps_per_execution` and after a resume, where a callback that assigns the rate
    would be late.

    Args:
        base: the learning rate after warm-up.
        schedule: (end of warm-up, decay, ..., decay, end of training), in optimiser steps.
    """

    def __init__(self, base: float, schedule: tuple[int, ...]) -> None:
        super().__init__()
        self.schedule = WarmupStepDecaySchedule(base, schedule)

    def on_train_begin(self, logs: dict | None = None) -> None:
        self.model.optimizer.learning_rate = self.schedule
