"""`rhythm.warmup_step_decay` inside Keras: a schedule, and the callback that installs it."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="covid_keras")
class WarmupStepDecaySchedule(keras.optimizers.schedules.LearningRateSchedule):
    """`rhythm.warmup_step_decay` as a Keras schedule, exact in the compiled step too."""

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


class InstallSchedule(keras.callbacks.Callback):
    """Installs a schedule in the model's optimiser when training begins.

    The rate is then computed inside the compiled step from the optimiser's own step counter, so it
    is exact under `steps_per_execution` and after a resume, where a callback that assigns the rate
    would be late.
    """

    def __init__(self, schedule: keras.optimizers.schedules.LearningRateSchedule) -> None:
        super().__init__()
        self.schedule = schedule

    def on_train_begin(self, logs: dict | None = None) -> None:
        self.model.optimizer.learning_rate = self.schedule


class WarmupStepDecay(InstallSchedule):
    """Linear warm-up, then decays by ten: the schedule of BiT, as a callback of any model.

    Args:
        base: the learning rate after warm-up.
        schedule: (end of warm-up, decay, ..., decay, end of training), in optimiser steps.
    """

    def __init__(self, base: float, schedule: tuple[int, ...]) -> None:
        super().__init__(WarmupStepDecaySchedule(base, schedule))
