"""Run a study from its plan to its table and figures."""

import textwrap
import time
from functools import partial
from pathlib import Path

from covid_keras.api.describe import describe
from covid_keras.metrics.sentences import WIDTH
from covid_keras.runs.run import Run
from covid_keras.studies.check import check_study
from covid_keras.studies.differences import write_differences
from covid_keras.studies.execute import FOREVER, Execution, finished
from covid_keras.studies.factor_figures import write_study_figures
from covid_keras.studies.network_table import write_networks
from covid_keras.studies.study import Source, Study, changes
from covid_keras.studies.study_page import write_study_page
from covid_keras.studies.study_table import run_metrics, stamps, write_table
from covid_keras.studies.workers import worker
from covid_keras.utils.backend import backend, import_keras
from covid_keras.utils.console import say, say_text
from covid_keras.utils.errors import InputError, OutOfTime
from covid_keras.utils.text import count


def run_study(
    study: Study,
    out: Path,
    source: Source,
    *,
    at_once: int = 1,
    together: bool = False,
    batched: bool = False,
    minutes: float | None = None,
) -> dict[str, str]:
    """Run the trials that have not finished; write tables, study.json and figures.

    Messages of the runs go to log.txt. Returns {folder of a failed run: reason}.

    Args:
        study: what to run.
        out: the study's folder.
        source: data set and settings of all runs.
        at_once: runs that train at the same time, each in a process of its own.
        together: train the folds or seeds of a row at once, in one process (JAX).
        batched: with `together`: put all models into every operation.
        minutes: with `together`: save and stop after this time; the same call continues.

    Raises:
        InputError: before any run: bad arguments, data, weights, or a run with other settings.
        OutOfTime: `minutes` have passed; the table of the finished runs is written.
    """
    if not together and (batched or minutes is not None):
        raise InputError("--batched, --minutes: expected --together as well. Received: neither")
    if at_once < 1 or (together and at_once > 1):
        raise InputError(
            f"--at-once: expected 1 or more, and 1 with --together. Received: {at_once}"
        )
    if minutes is not None and minutes <= 0:
        raise InputError(f"--minutes: expected more than 0. Received: {minutes:g}")
    if together:
        import_keras()
        if backend() != "jax":
            raise InputError(f"--together: expected KERAS_BACKEND=jax. Received: {backend()}")
    deadline = time.monotonic() + 60 * minutes if minutes else FOREVER
    if source.data is None:
        say("no --data: using the built-in phantom, synthetic images, not patients")
    check_study(study, source)
    for change in changes(study, source):
        say(change)
    start, stopped = partial(worker, out / "log.txt"), None
    execution = Execution(study, out, source, start, at_once, together, batched, deadline)
    try:
        execution.run()
    except OutOfTime as stop:
        stopped = stop
    failed = execution.failed
    table, tables = write_table(study, out, source, failed)
    compared, differences = write_differences(study, out, stamps(run_metrics(study, out)))
    for line in f"{table}\n{compared}".splitlines():
        say_text(line if line.startswith("|") else textwrap.fill(line, WIDTH))
    figures = write_study_figures(study, out, source)
    networks = write_networks(study, out, source)
    drawn = [path for path in figures if path.suffix == ".png"]
    page = write_study_page(study, out, source, failed, drawn)
    written = [page, *tables, *differences, *networks, *figures, *_describe_data(study, out)]
    say(f"wrote {', '.join(map(str, written))}")
    if stopped:
        left = sum(not finished(out / trial.folder) for trial in study.trials)
        say(f"time is up: {left} of {count(len(study.trials), 'run')} left")
        raise stopped
    return failed


def _describe_data(study: Study, out: Path) -> list[Path]:
    """Describe the runs' data set in the folder data, unless that is done; return new files."""
    folders = (out / trial.folder for trial in study.trials)
    run = next((Run(path) for path in folders if Run(path).recipe_file.exists()), None)
    if run is None or (out / "data" / "captions.md").exists():
        return []
    dataset = run.recipe().data.dataset
    return describe(dataset, run.data(), out=out / "data", recipe=study.recipe)
