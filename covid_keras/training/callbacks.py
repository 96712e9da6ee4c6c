"""Callbacks of a run: the step counter, log.csv, checkpoints, the progress bar, failed losses.

Keras counts steps within an epoch, and an epoch here is the steps between two evaluations.
"""

import math
import time
from dataclasses import dataclass
from pathlib import Path

import keras
import pandas as pd
from tqdm import tqdm

from covid_keras.pipeline.loader import InputWait
from covid_keras.training.checkpoint import save_checkpoint
from covid_keras.training.schedule import StepSchedule
from covid_keras.training.validation import SCORES, better
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import write_text

VAL_COLUMNS = tuple(f"val_{name}" for name in SCORES)
LOG_COLUMNS = (
    *("step", "learning_rate", "loss", "accuracy"),
    *VAL_COLUMNS,
    *("images_per_second", "input_wait", "seconds"),
)

LEAST_SCALE = 1.0
"""A loss scale below this does not help against underflow: only overflow has halved it."""

ADVICE = "; a lower training.learning_rate or another training.precision may help"


class StepCallback(keras.callbacks.Callback):
    """A callback that counts the optimiser steps of the whole run in `self.step`.

    Subclass it for `train(callbacks=[...])`; a method that you override calls this one first.
    """

    step = 0
    """Steps done; in `on_train_batch_end`, the one that has just ended is counted."""

    def __post_init__(self) -> None:
        super().__init__()  # for subclasses that are dataclasses

    def on_train_begin(self, logs: dict | None = None) -> None:
        self.step = self._epoch_start = self.model.first_step

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._epoch_start = self.step

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self.step = self._epoch_start + batch + 1


@dataclass(eq=False)
class StepLog(StepCallback):
    """Write log.csv: a row every `every` steps, and one for each evaluation.

    loss and accuracy are means over the steps since the row before; only rows of evaluations have
    `VAL_COLUMNS`. learning_rate is the schedule's at that step; under mixed_float16
    the rate in use lags by the steps that were skipped for overflow. input_wait is the share of
    the steps' time spent waiting for the next batch; the first step, which compiles, counts as 0.
    """

    path: Path
    """The CSV file. Rows after the first step are dropped when training begins, so that a resumed
    run has each row once."""
    schedule: StepSchedule
    batch: int
    """Images per step."""
    every: int
    """Steps between rows."""
    waits: InputWait | None = None
    """When each batch was ready; None leaves input_wait empty, where one call takes several steps
    and their beginnings are unknown."""

    def on_train_begin(self, logs: dict | None = None) -> None:
        super().on_train_begin(logs)
        self.rows = read_log(self.path, self.step)
        self._seconds = float(self.rows[-1]["seconds"]) if self.rows else 0.0
        self._clock = time.monotonic()
        self._logged = self.step
        self._training = self._waited = 0.0
        self._compiling = True

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        super().on_epoch_begin(epoch, logs)
        self._sums = {"loss": 0.0, "accuracy": 0.0}
        self._batch_clock = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        first = self.step
        super().on_train_batch_end(batch, logs)
        now = time.monotonic()
        if self.waits:
            waited = self.waits.waited(first, self._batch_clock, now)
            self._waited += 0.0 if self._compiling else waited
        self._compiling = False
        self._training += now - self._batch_clock
        self._batch_clock = now
        if self.step // self.every > self._logged // self.every:
            self._row(logs)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if self._logged < self.step:
            self._row(logs)
        scores = {name: f"{logs[name]:.6g}" for name in VAL_COLUMNS if name in logs}
        self.rows[-1] |= scores
        table = pd.DataFrame(self.rows, columns=list(LOG_COLUMNS))
        write_text(self.path, table.to_csv(index=False, lineterminator="\n"))

    def _row(self, logs: dict) -> None:
        """Add a row: means since the row before, from Keras' means since the epoch's beginning."""
        done, count = self.step - self._epoch_start, self.step - self._logged
        sums = {name: logs[name] * done for name in self._sums}
        means = {name: (sums[name] - self._sums[name]) / count for name in sums}
        self._sums = sums
        training = max(self._training, 1e-9)
        row = {"step": self.step, "learning_rate": f"{self.schedule.at(self.step - 1):.6g}"}
        row |= {name: f"{mean:.6g}" for name, mean in means.items()}
        row["images_per_second"] = f"{count * self.batch / training:.2f}"
        row["input_wait"] = f"{self._waited / training:.4f}" if self.waits else ""
        row["seconds"] = f"{self._seconds + time.monotonic() - self._clock:.1f}"
        self.rows.append(row)
        self._logged, self._training, self._waited = self.step, 0.0, 0.0


def read_log(path: Path, until: int) -> list[dict]:
    """Read the rows of a log.csv up to step `until`; none if there is no file.

    Raises:
        InputError: a row without its step or seconds.
    """
    if not path.exists() or not until:
        return []
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        table = table.reindex(columns=list(LOG_COLUMNS), fill_value="")
        table["seconds"].astype(float)
        return table[table["step"].astype(int) <= until].to_dict("records")
    except ValueError as error:  # of pandas, too
        problem = " ".join(str(error).split())
        raise InputError(f"{path}: expected rows with step and seconds: {problem}") from None


@dataclass(eq=False)
class Checkpoints(StepCallback):
    """Write last.npz after each evaluation, and best.npz if the network is the best so far."""

    last: Path
    best: Path
    criterion: str
    """See `Training.best_by`; "" writes no best.npz."""
    record: dict | None
    """`VAL_COLUMNS` and "step" of the best so far."""

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if self.criterion and better(logs, self.record, self.criterion):
            self.record = {name: logs[name] for name in VAL_COLUMNS} | {"step": self.step}
            save_checkpoint(self.best, self.model.network, self.record)
        save_checkpoint(self.last, self.model, {"step": self.step, "best": self.record})


@dataclass(eq=False)
class ProgressBar(StepCallback):
    """Show loss and accuracy on one bar over the whole run; after an evaluation, those logged."""

    bar: tqdm
    log: StepLog
    val: str = ""

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        super().on_train_batch_end(batch, logs)
        note = f"loss {logs['loss']:.3f} accuracy {logs['accuracy']:.3f}{self.val}"
        self.bar.set_postfix_str(note, refresh=False)
        self.bar.update(self.step - self.bar.n)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if "val_accuracy" in logs:
            self.val = f" val accuracy {logs['val_accuracy']:.3f}"
        loss, accuracy = (float(self.log.rows[-1][name]) for name in ("loss", "accuracy"))
        note = f"loss {loss:.3f} accuracy {accuracy:.3f}{self.val}"
        self.bar.set_postfix_str(note, refresh=False)


@dataclass(eq=False)
class FolderIsThere(StepCallback):
    """Raise InputError after a stretch of steps if the run's folder was removed meanwhile."""

    file: Path
    """In the folder from the beginning."""

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        check_folder(self.file)


def check_folder(file: Path) -> None:
    """Raise InputError if a run's folder, with `file` in it, was removed during training."""
    if not file.exists():
        raise InputError(f"{file.parent}: the run folder was removed during training")


class StopOnNaN(StepCallback):
    """Raise InputError if the loss is not a number or gradients overflow at every scale."""

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        super().on_train_batch_end(batch, logs)
        check_loss(logs["loss"], self.step)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        scale = getattr(self.model.optimizer, "dynamic_scale", None)
        if scale is not None:
            check_scale(float(scale), self.step)


def check_loss(loss: float, step: int, where: str = "") -> None:
    """Raise InputError, beginning with `where`, if a step's loss is not a finite number."""
    if not math.isfinite(loss):
        raise InputError(f"{where}loss is {loss} at step {step}{ADVICE}")


def check_scale(scale: float, step: int, where: str = "") -> None:
    """Raise InputError, beginning with `where`, if the loss scale is below `LEAST_SCALE`."""
    if scale < LEAST_SCALE:
        problem = f"gradients overflow float16 by step {step}, at a loss scale of {scale:g}"
        raise InputError(f"{where}{problem}{ADVICE}")
