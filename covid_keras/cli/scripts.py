"""What the scripts in experiments/ share: their options, messages and exit status."""

import argparse
import os
import sys
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from covid_keras.cli.parts import add_options, keywords, print_next
from covid_keras.recipes.settings import parse_assignments
from covid_keras.runs.environment import command
from covid_keras.studies.run_study import run_study
from covid_keras.studies.study import Source, Study
from covid_keras.utils.backend import gpu_count, import_keras
from covid_keras.utils.console import say, say_text, take_any_encoding
from covid_keras.utils.errors import InputError, OutOfTime
from covid_keras.utils.text import count

Plan = Callable[[argparse.Namespace, Source], Study]


def parser(
    description: str, studies: Collection[str] = (), section: str = "study"
) -> argparse.ArgumentParser:
    """Return a parser of the options that all scripts take, and of a section of options.toml.

    Args:
        description: the script's docstring.
        studies: choices of --study, the default first.
    """
    raw = argparse.RawDescriptionHelpFormatter
    options = argparse.ArgumentParser(description=description, formatter_class=raw)
    if studies:
        first, text = next(iter(studies)), "default: %(default)s"
        options.add_argument("--study", default=first, choices=studies, help=text)
    add_options(options, section)
    return options


def main(
    parser: argparse.ArgumentParser, plan: Plan, arguments: Sequence[str] | None = None
) -> int:
    """Run, or list, the study that `plan` makes of the options; return the exit status.

    0: success, or time is up. 1: bad input, one line on stderr, or a run failed. 130: Ctrl-C.
    """
    take_any_encoding()
    options = parser.parse_args(arguments)
    try:
        given = source(options)
        study = plan(options, given)
        out = options.out or Path("runs") / f"{study.name}_{options.dataset or 'default'}"
        if options.list:
            import_keras()
            from covid_keras.studies.cost import costs, listing  # needs Keras, slow to import

            images = str(options.data or "the published data set")
            say_text(listing(costs(study, out, given), images))
            say(f"study folder: {out}")
            return 0
        how = keywords(options, "together", "batched", "minutes")
        failed = run_study(study, out, given, at_once=at_once(options, given), **how)
    except InputError as error:
        say(f"{Path(sys.argv[0]).name}: error: {error}", file=sys.stderr)
        return 1
    except OutOfTime:
        say(f"to continue: {command(short=False)}")
        return 0
    except KeyboardInterrupt:
        say("", f"interrupted; to continue: {command(short=False)}", file=sys.stderr)
        return 130
    if failed:
        again = command(short=False)
        say(f"{count(len(failed), 'run')} failed; see {out / 'log.txt'}; to retry: {again}")
        return 1
    print_next("report", out / study.trials[0].folder)
    return 0


def at_once(options: argparse.Namespace, source: Source) -> int:
    """Return how many runs train at the same time: small networks leave half of a CPU idle."""
    if options.at_once is not None:
        return options.at_once
    if options.together or not source.quick or (os.cpu_count() or 1) < 2:
        return 1
    import_keras()
    return 1 if gpu_count() else 3


def source(options: argparse.Namespace) -> Source:
    """Return the data set and settings of all runs; the phantom without a GPU is quick."""
    quick = options.quick
    if not (quick or options.list or options.data):
        import_keras()
        quick = gpu_count() == 0
    settings = parse_assignments(options.settings)
    return Source(options.dataset, options.data, quick, settings, options.outside)
