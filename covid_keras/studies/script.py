"""What the scripts in experiments/ share: arguments, and a study from its plan to its table."""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from covid_keras import recipes
from covid_keras.datasets.records import load_records
from covid_keras.recipes.settings import parse_assignments
from covid_keras.runs.environment import command
from covid_keras.runs.folder import Run
from covid_keras.studies import figures, results, tables
from covid_keras.studies.execute import Source, changes, execute, finished, recipe_of
from covid_keras.studies.study import Study
from covid_keras.studies.workers import worker
from covid_keras.utils.backend import backend, gpu_count, import_keras
from covid_keras.utils.errors import InputError, OutOfTime


def parser(description: str) -> argparse.ArgumentParser:
    """The options that all scripts take; `description` is the script's docstring."""
    options = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--data", type=Path, metavar="DIR", help="default: the built-in phantom")
    options.add_argument("--dataset", default="", metavar="NAME", help="default: the paper's")
    options.add_argument("--out", type=Path, metavar="DIR", help="default: runs/STUDY_DATASET")
    options.add_argument("--seeds", type=int, nargs="+", default=[0], metavar="N")
    options.add_argument(
        "--quick", action="store_true", help="scaled to two cores; said everywhere"
    )
    options.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="settings")
    options.add_argument("--outside", type=Path, metavar="DIR", help="Grad-CAM on these images too")
    options.add_argument("--list", action="store_true", help="show runs and their cost, and end")
    options.add_argument(
        "--together",
        action="store_true",
        help="train the folds, or seeds, of a row at once, in one process (JAX); for a GPU",
    )
    options.add_argument(
        "--batched", action="store_true", help="with --together: all models in every operation"
    )
    options.add_argument(
        "--minutes", type=float, metavar="M", help="with --together: stop, to be gone on with"
    )
    return options


def main(options: argparse.Namespace, plan: Callable[[argparse.Namespace], Study]) -> int:
    """Run the study that `plan` makes of the options. Returns 0, or 1 where a run failed."""
    try:
        return _main(options, plan(options))
    except InputError as error:
        print(f"{Path(sys.argv[0]).name}: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\ninterrupted; to continue: {command()}", file=sys.stderr)
        return 130


def _main(options: argparse.Namespace, study: Study) -> int:
    source = Source(
        options.dataset,
        options.data,
        is_quick(options),
        parse_assignments(options.settings),
        options.outside,
    )
    out = options.out or Path("runs") / f"{study.name}_{options.dataset or 'default'}"
    if options.list:
        print(_listing(study, out, source))
        return 0
    deadline = _deadline(options)
    _check_weights(study, source)
    if options.data is not None:
        load_records(source.dataset or recipes.get(study.recipe).data.dataset, source.data)
    else:
        print("no --data: the built-in phantom, synthetic images, not patients", flush=True)
    for change in changes(study, source):
        print(change, flush=True)
    late = False
    try:
        failed = execute(
            study,
            out,
            source,
            partial(worker, out / "log.txt"),
            together=options.together,
            batched=options.batched,
            deadline=deadline,
        )
    except OutOfTime as stop:
        late, failed = True, stop.failed
    found = results.measured(study, out)
    print(tables.on_screen(tables.write_summary(study, out, source, found, failed)))
    written = ["table.md", "study.json", *_pictures(study, out, found)]
    print(f"wrote {', '.join(str(out / name) for name in written)}")
    if late:
        left = sum(not finished(out / trial.folder) for trial in study.trials)
        print(f"time is up, {left} of {len(study.trials)} runs are left; to continue: {command()}")
        return 0
    if failed:
        print(f"{len(failed)} failed; see {out / 'log.txt'}; to try again: {command()}")
        return 1
    print(f"next: covid-keras report {out / study.trials[0].folder}")
    return 0


def _deadline(options: argparse.Namespace) -> float:
    """Return the deadline of `time.monotonic`. Raises InputError where options do not fit."""
    if not options.together:
        if options.batched or options.minutes is not None:
            raise InputError("--batched, --minutes: only with --together")
        return float("inf")
    if options.minutes is not None and options.minutes <= 0:
        raise InputError(f"--minutes: expected more than 0. Received: {options.minutes:g}")
    import_keras()
    if backend() != "jax":
        raise InputError(f"--together: expected KERAS_BACKEND=jax. Received: {backend()}")
    return time.monotonic() + 60 * options.minutes if options.minutes else float("inf")


def named_weights(given: Sequence[str]) -> dict[str, str]:
    """{name in the table: what --weights takes} of names, files and "NAME=FILE"."""
    pairs = (entry.split("=", 1) if "=" in entry else (Path(entry).name, entry) for entry in given)
    return {name: "" if source == "random" else source for name, source in pairs}


def on_papers_data(options: argparse.Namespace, dataset: str) -> bool:
    """Whether the runs are on the paper's data set, so that its numbers may stand beside ours."""
    return options.data is not None and options.dataset in ("", dataset)


def is_quick(options: argparse.Namespace) -> bool:
    """Whether the runs are scaled to two cores: asked for, or on the phantom without a GPU; a list
    is of what was asked for."""
    if options.quick or options.list or options.data is not None:
        return options.quick
    import_keras()
    return gpu_count() == 0


def _listing(study: Study, out: Path, source: Source) -> str:
    import_keras()
    from covid_keras.studies import cost

    counted = str(source.data) if source.data else "the data set as it is published"
    return f"{cost.listing(cost.costs(study, out, source), counted)}\nin {out}"


def _check_weights(study: Study, source: Source) -> None:
    """Raises InputError where weights are neither a name that their network knows nor a file."""
    from covid_keras.models import registry
    from covid_keras.utils.backend import import_keras

    import_keras()
    from covid_keras.models.weights.find import find
    from covid_keras.models.weights.torch import check_torch

    for trial in study.trials:
        network = registry.get(recipe_of(study, trial, source).model.name)
        if trial.weights in network.weights:
            if network.weights[trial.weights].address.endswith(".pth"):
                check_torch(network.weights[trial.weights].address)
        elif trial.weights:
            find(trial.weights, network)


def _pictures(study: Study, out: Path, found: dict[str, list[dict]]) -> list[str]:
    found = {row: runs for row, runs in found.items() if runs}
    if not found:
        return []
    stamps = results.stamps(found)
    logs = {
        row: [
            Run(out / trial.folder).log_file
            for trial in study.trials
            if trial.row == row and finished(out / trial.folder)
        ]
        for row in found
    }
    figures.curves(out / "curves.png", logs, stamps)
    figures.confusion_matrices(out / "confusion_matrices.png", found, stamps)
    return ["curves.png", "confusion_matrices.png"]
