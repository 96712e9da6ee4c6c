"""What happens beside training: log, checkpoints and progress.

Every callback counts optimiser steps over the whole run. Keras counts them within an epoch, and an
epoch here is the stretch between two evaluations.
"""

import csv
import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
from tqdm import tqdm

from covid_keras.pipeline import loader
from covid_keras.pipeline.arrivals import Arrivals
from covid_keras.training.checkpoint import save_checkpoint
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import write_text

LOG_COLUMNS = (
    "step",
    "learning_rate",
    "loss",
    "accuracy",
    "val_loss",
    "val_accuracy",
    "images_per_second",
    "input_wait",
    "seconds",
)

LEAST_SCALE = 1.0
"""A loss scale below this is no help against underflow: it was halved for overflow only."""


class StepCallback(keras.callbacks.Callback):
    """A callback that counts the optimiser steps of the whole run in `self.step`.

    Override its methods to add your own to `train(callbacks=[...])`, and call theirs first.
    """

    step = 0
    """Steps done by now: in `on_train_batch_end`, the one that has just ended included."""

    def on_train_begin(self, logs: dict | None = None) -> None:
        self.step = self._epoch_start = self.model.first_step

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._epoch_start = self.step

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self.step = self._epoch_start + batch + 1


class StepLog(StepCallback):
    """log.csv: a row every `every` steps, and one for each evaluation.

    loss and accuracy are means over the steps since the row before; val columns are empty but in
    the rows of evaluations. learning_rate is the schedule's at that step; with mixed_float16 the
    one in use is earlier in the schedule by the steps that were skipped for overflow. input_wait
    is the share of the steps' time in which the next batch was not ready; the step that compiles
    counts as none.

    Args:
        path: the CSV file; its rows after the first step are dropped when training begins, so that
            a resumed run has each once.
        rate: step, counted from 0, to learning rate.
        batch: images a step.
        every: steps between rows.
        arrivals: when each batch was ready; None where a call takes several steps, whose beginnings
            nobody sees, and then input_wait is empty.
    """

    def __init__(
        self,
        path: Path,
        rate: Callable[[int], float],
        batch: int,
        every: int,
        arrivals: Arrivals | None,
    ) -> None:
        super().__init__()
        self.path = path
        self.rate = rate
        self.batch = batch
        self.every = every
        self.arrivals = arrivals

    def on_train_begin(self, logs: dict | None = None) -> None:
        super().on_train_begin(logs)
        self.rows = _rows_until(self.path, self.step)
        self._seconds = float(self.rows[-1]["seconds"]) if self.rows else 0.0
        self._clock = time.monotonic()
        self._logged = self.step
        self._training = self._waited = 0.0
        self._ahead = loader.ahead()
        self._compiling = True

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        super().on_epoch_begin(epoch, logs)
        self._sums = {"loss": 0.0, "accuracy": 0.0}
        self._batch_clock = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        first = self.step
        super().on_train_batch_end(batch, logs)
        now = time.monotonic()
        if self.arrivals:
            waited = self.arrivals.waited(first + self._ahead, self._batch_clock, now)
            self._waited += 0.0 if self._compiling else waited
        self._compiling = False
        self._training += now - self._batch_clock
        self._batch_clock = now
        if self.step // self.every > self._logged // self.every:
            self._row(logs)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if self._logged < self.step:
            self._row(logs)
        for name in ("val_loss", "val_accuracy"):
            self.rows[-1][name] = f"{logs[name]:.6g}"
        self._write()

    def _row(self, logs: dict) -> None:
        """Means since the row before, from Keras' means since the epoch's beginning."""
        done, count = self.step - self._epoch_start, self.step - self._logged
        sums = {name: logs[name] * done for name in self._sums}
        means = {name: (sums[name] - self._sums[name]) / count for name in sums}
        self._sums = sums
        elapsed = self._seconds + time.monotonic() - self._clock
        self.rows.append(
            dict.fromkeys(LOG_COLUMNS, "")
            | {name: f"{mean:.6g}" for name, mean in means.items()}
            | {"step": self.step, "learning_rate": f"{self.rate(self.step - 1):.6g}"}
            | {"images_per_second": f"{count * self.batch / max(self._training, 1e-9):.2f}"}
            | {"seconds": f"{elapsed:.1f}"}
        )
        if self.arrivals:
            self.rows[-1]["input_wait"] = f"{self._waited / max(self._training, 1e-9):.4f}"
        self._logged, self._training, self._waited = self.step, 0.0, 0.0

    def _write(self) -> None:
        lines = [",".join(LOG_COLUMNS)]
        lines += [",".join(str(row[name]) for name in LOG_COLUMNS) for row in self.rows]
        write_text(self.path, "\n".join(lines) + "\n")


def _rows_until(path: Path, step: int) -> list[dict]:
    """Rows of an earlier log up to `step`; none where there is no log."""
    if not path.exists() or not step:
        return []
    with path.open(newline="", encoding="utf-8") as file:
        rows = [dict.fromkeys(LOG_COLUMNS, "") | row for row in csv.DictReader(file)]
    return [row for row in rows if int(row["step"]) <= step]


class Checkpoints(StepCallback):
    """After each evaluation: last.npz, from which a run resumes, and the best network so far.

    Best is the highest accuracy on val, and among equals the lowest loss.

    Args:
        last, best: the files.
        record: (val accuracy, val loss) of the best so far, or None.
    """

    def __init__(self, last: Path, best: Path, record: dict | None) -> None:
        super().__init__()
        self.last = last
        self.best = best
        self.record = record

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        score = {name: float(logs[name]) for name in ("val_accuracy", "val_loss")}
        if better(score, self.record):
            self.record = {**score, "step": self.step}
            save_checkpoint(self.best, self.model.network, self.record)
        save_checkpoint(self.last, self.model, {"step": self.step, "best": self.record})


def better(score: dict, record: dict | None) -> bool:
    """Whether an evaluation beats the best so far."""
    return record is None or _rank(score) > _rank(record)


def _rank(score: dict) -> tuple[float, float]:
    return score["val_accuracy"], -score["val_loss"]


class ProgressBar(StepCallback):
    """One bar over the whole run, with the time left."""

    def __init__(self, bar: tqdm) -> None:
        super().__init__()
        self.bar = bar
        self.val = ""

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        super().on_train_batch_end(batch, logs)
        note = f"loss {logs['loss']:.3f} accuracy {logs['accuracy']:.3f}{self.val}"
        self.bar.set_postfix_str(note, refresh=False)
        self.bar.update(self.step - self.bar.n)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self.val = f" val accuracy {logs['val_accuracy']:.3f}"


class StopOnNaN(StepCallback):
    """Stops with the step's number when the loss is no longer a number, or when the gradients
    overflow float16 however small their scale has become, so that no step changes anything."""

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        super().on_train_batch_end(batch, logs)
        if not np.isfinite(logs["loss"]):
            refuse_nan(logs["loss"], self.step)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        scale = getattr(self.model.optimizer, "dynamic_scale", None)
        if scale is not None:
            refuse_overflow(float(scale), self.step)


def refuse_overflow(scale: float, step: int, where: str = "") -> None:
    """Raises InputError where a loss scale has been halved so often that no step can help."""
    if scale < LEAST_SCALE:
        raise InputError(
            f"{where}gradients overflow float16 by step {step}, at a loss scale of {scale:g};"
            " a lower training.learning_rate or another training.precision may help"
        )


def refuse_nan(loss: float, step: int, where: str = "") -> None:
    """Raises InputError: the loss of this step, counted from 1, is no number; `where` begins it."""
    raise InputError(
        f"{where}loss is {loss} at step {step}; a lower training.learning_rate"
        " or another training.precision may help"
    )
