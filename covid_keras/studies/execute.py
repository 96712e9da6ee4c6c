"""Run the trials of a study: skip finished runs, resume others, continue after failures."""

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from tqdm import tqdm

from covid_keras.recipes.settings import all_settings, override
from covid_keras.runs.run import Run
from covid_keras.studies.study import Source, Study, Trial
from covid_keras.studies.workers import Start, reason_of
from covid_keras.utils.console import say
from covid_keras.utils.errors import InputError, OutOfTime

FOREVER = float("inf")


def finished(path: Path) -> bool:
    """Return whether the run is trained and measured on test; its small files are enough."""
    run = Run(path)
    return _measured(run) and (run.model_file.exists() or not run.last_checkpoint.exists())


def finished_runs(study: Study, out: Path) -> dict[str, list[Run]]:
    """Return the finished runs of each row."""
    return {
        row: [Run(out / trial.folder) for trial in trials if finished(out / trial.folder)]
        for row, trials in study.rows.items()
    }


Work = Generator[tuple[str, dict[str, object]], str, None]
"""Yields calls, each a public function and its arguments; takes "" or the reason of a failure."""


@dataclass
class Execution:
    """Runs the trials of a study that have not finished, and draws each row's first run.

    Each trial runs in a process of its own; with `together` (JAX) one process trains the folds or
    seeds of a row at once.
    """

    study: Study
    out: Path
    source: Source
    workers: Callable[[str], AbstractContextManager[Start]]
    """Starts a process, with the label of its progress; see `workers.worker`."""
    at_once: int = 1
    """Processes that run at the same time."""
    together: bool = False
    batched: bool = False
    deadline: float = FOREVER
    """With `together`: when to stop, a value of `time.monotonic()`."""
    failed: dict[str, str] = field(default_factory=dict)
    """{folder of a failed run: reason}."""

    def run(self) -> None:
        """Run the study.

        Raises:
            InputError: a run folder holds a run with other settings.
            OutOfTime: the deadline has passed.
        """
        for trial in self.study.trials:
            _check_same(self.out / trial.folder, trial, self.source)
        if not self.together:
            self._do(self._trainings(), self.workers)
            self._do(self._drawings(self.study.rows.values()), self.workers)
            return
        with self.workers("") as shared:
            self._do(self._trainings(), lambda label: nullcontext(shared))
            self._do(self._drawings(self.study.rows.values()), lambda label: nullcontext(shared))

    def _do(self, works: Iterator[tuple[str, Work]], workers: Callable) -> None:
        """Do all works, {label: calls}, `at_once` at the same time, each in its own process."""
        running: dict[Future, tuple[Work, Start, ExitStack]] = {}

        def go_on(work: Work, start: Start, process: ExitStack, request: tuple) -> None:
            verb, arguments = request
            running[start(verb, **arguments)] = work, start, process

        def begin() -> None:
            for label, work in works:
                if (request := next(work, None)) is None:
                    continue
                process = processes.enter_context(ExitStack())
                start = process.enter_context(workers(label if self.at_once > 1 else ""))
                return go_on(work, start, process, request)

        with ExitStack() as processes:
            for _ in range(self.at_once):
                begin()
            while running:
                for call in wait(running, return_when=FIRST_COMPLETED).done:
                    work, start, process = running.pop(call)
                    try:
                        go_on(work, start, process, work.send(reason_of(call)))
                    except StopIteration:
                        process.close()
                        begin()

    def _trainings(self) -> Iterator[tuple[str, Work]]:
        """Yield the work of the trials that have not finished: train, evaluate, and draw."""
        waiting = [t for t in self.study.trials if not finished(self.out / t.folder)]
        total = len(self.study.trials)
        done = before = total - len(waiting)
        if before:
            say(f"{before} of {total} runs had already finished")
        start = time.monotonic()
        for _, group in groupby(waiting, lambda t: t.folder.parent if self.together else t.folder):
            trials = list(group)
            number = f"{done + 1}" + (f" to {done + len(trials)}" if len(trials) > 1 else "")
            text = f"run {number} of {total}: {', '.join(str(t.folder) for t in trials)}"
            ended = done - before - (self.at_once - 1)
            if ended > 0:
                seconds = (time.monotonic() - start) / ended * (total - before - ended)
                text += f"; {tqdm.format_interval(seconds)} left"
            say(text)
            yield str(trials[0].folder), self._make(trials)
            done += len(trials)

    def _make(self, trials: Sequence[Trial]) -> Work:
        """Yield the calls that these trials still need, until the deadline."""
        for group, verb, arguments in self._calls(trials):
            left = self.deadline - time.monotonic()
            if left < 0:
                raise OutOfTime
            if any(str(trial.folder) in self.failed for trial in group):
                continue
            if verb == "train" and left < FOREVER:
                arguments["minutes"] = left / 60
            if reason := (yield verb, arguments):
                for trial in group:
                    if verb != "train" or not Run(self.out / trial.folder).model_file.exists():
                        self.failed[str(trial.folder)] = reason
        if not self.together:
            first = [row for row in self.study.rows.values() if row[0] in trials]
            for _, drawing in self._drawings(first):
                yield from drawing

    def _calls(self, trials: Sequence[Trial]) -> Iterator[tuple[Sequence[Trial], str, dict]]:
        """Yield the trials of a call, a public function and its arguments.

        Make each call before asking for the next, which depends on the files that it writes.
        """
        untrained = [t for t in trials if not Run(self.out / t.folder).model_file.exists()]
        started = [t for t in untrained if Run(self.out / t.folder).recipe_file.exists()]
        new = [t for t in untrained if t not in started]
        for group, resume in ((started, True), (new, False)):
            if group:
                yield group, "train", self._training(group, resume)
        for trial in trials:
            run = Run(self.out / trial.folder)
            if run.lacks_val():
                yield [trial], "evaluate", {"run": run.path, "split": "val"}
            if not _measured(run):
                yield [trial], "evaluate", {"run": run.path}

    def _training(self, trials: Sequence[Trial], resume: bool) -> dict[str, object]:
        """Return the arguments of `covid_keras.train` for one trial, or for a row's together."""
        first, folder = trials[0], self.out / trials[0].folder
        given = {"recipe": self.study.recipe, "seed": first.seed, "resume": resume, "out": folder}
        settings = first.all_settings
        if self.together:
            settings, several = first.settings, "seed" if first.fold is None else "fold"
            given |= {"out": folder.parent, "batched": self.batched}
            given[f"{several}s"] = [getattr(trial, several) for trial in trials]
        if resume:
            return given
        return given | {
            "data": self.source.data,
            "dataset": self.source.dataset or None,
            "weights": first.weights,
            "quick": self.source.quick,
            "settings": {**settings, **self.source.settings},
        }

    def _drawings(self, rows: Iterable[Sequence[Trial]]) -> Iterator[tuple[str, Work]]:
        """Yield the work of drawing the missing figures of each row's first trained run."""
        for trials in rows:
            runs = (Run(self.out / trial.folder) for trial in trials)
            if run := next((run for run in runs if run.model_file.exists()), None):
                yield str(run.path.relative_to(self.out)), self._draw(run)

    def _draw(self, run: Run) -> Work:
        folder = run.path.relative_to(self.out)
        for verb, arguments in self._drawing(run).items():
            say(f"figures: {verb} {folder}")
            if reason := (yield verb, arguments):
                self.failed[f"{folder}, {verb}"] = reason

    def _drawing(self, run: Run) -> dict[str, dict[str, object]]:
        """Return the calls that draw what is missing and has not failed, {verb: arguments}."""
        calls: dict[str, dict[str, object]] = {}
        if not (run.figures / "tsne.png").exists():
            calls["explain"] = {"run": run.path}
        table, maps = run.path / "outside.csv", run.path / "gradcam_outside"
        if self.source.outside and not table.exists():
            given = {"model": run.path, "inputs": self.source.outside}
            calls["predict"] = given | {"out": table, "gradcam": maps, "overwrite": True}
        folder = run.path.relative_to(self.out)
        return {verb: calls[verb] for verb in calls if f"{folder}, {verb}" not in self.failed}


def _measured(run: Run) -> bool:
    return run.metrics_file.exists() and run.predictions_file("test").exists()


def _check_same(path: Path, trial: Trial, source: Source) -> None:
    """Raise InputError if the folder holds a run with other settings."""
    if not Run(path).recipe_file.exists():
        return
    recipe = Run(path).recipe()
    wanted = {**trial.all_settings, **source.settings}
    if trial.weights:
        wanted["model.weights"] = trial.weights
    if source.dataset:
        wanted["data.dataset"] = source.dataset
    expected = all_settings(override(recipe, wanted)) | {"seed": trial.seed}
    received = all_settings(recipe) | {"seed": recipe.seed}
    if source.data is not None:
        expected["quick"], received["quick"] = source.quick, recipe.scaled
    for key, value in expected.items():
        if received[key] != value:
            raise InputError(
                f"{path}: expected a run with {key}={value}; give another --out."
                f" Received: {key}={received[key]}"
            )
