"""What the scripts in experiments/ share: their options, messages and exit status."""

import argparse
import sys
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from covid_keras.cli.parts import keywords, print_next
from covid_keras.cli.train import QUICK
from covid_keras.recipes.settings import parse_assignments
from covid_keras.runs.environment import command
from covid_keras.studies.run_study import run_study
from covid_keras.studies.study import Source, Study
from covid_keras.utils.backend import gpu_count, import_keras
from covid_keras.utils.errors import InputError, OutOfTime
from covid_keras.utils.text import count

Plan = Callable[[argparse.Namespace, Source], Study]


def parser(description: str, studies: Collection[str] = ()) -> argparse.ArgumentParser:
    """Return a parser of the options that all scripts take.

    Args:
        description: the script's docstring.
        studies: choices of --study, the default first.
    """
    raw = argparse.RawDescriptionHelpFormatter
    options = argparse.ArgumentParser(description=description, formatter_class=raw)
    add = options.add_argument
    if studies:
        add("--study", default=next(iter(studies)), choices=studies, help="default: %(default)s")
    text = "the data set's folder; default: the built-in phantom"
    add("--data", type=Path, metavar="DIR", help=text)
    add("--dataset", default="", metavar="NAME", help="default: the paper's data set")
    add("--out", type=Path, metavar="DIR", help="the study's folder; default: runs/STUDY_DATASET")
    text = "train once per seed; default: 0"
    add("--seeds", type=int, nargs="+", default=[0], metavar="N", help=text)
    add("--quick", action="store_true", help=QUICK)
    text = "change a setting in all runs, such as training.epochs=2; can be repeated"
    add("--set", action="append", default=[], metavar="KEY=VALUE", dest="settings", help=text)
    text = "other images, which the first run of each row predicts, with Grad-CAM maps"
    add("--outside", type=Path, metavar="DIR", help=text)
    add("--list", action="store_true", help="list the runs and their cost, and train nothing")
    text = "train the folds or seeds of a row at once, on a GPU (needs KERAS_BACKEND=jax)"
    add("--together", action="store_true", help=text)
    text = "with --together: put all models into every operation"
    add("--batched", action="store_true", help=text)
    text = "with --together: save and stop after M minutes; the same command continues"
    add("--minutes", type=float, metavar="M", help=text)
    return options


def main(
    parser: argparse.ArgumentParser, plan: Plan, arguments: Sequence[str] | None = None
) -> int:
    """Run, or list, the study that `plan` makes of the options; return the exit status.

    0: success, or time is up. 1: bad input, one line on stderr, or a run failed. 130: Ctrl-C.
    """
    options = parser.parse_args(arguments)
    try:
        given = source(options)
        study = plan(options, given)
        out = options.out or Path("runs") / f"{study.name}_{options.dataset or 'default'}"
        if options.list:
            import_keras()
            from covid_keras.studies.cost import costs, listing  # needs Keras, slow to import

            images = str(options.data or "the published data set")
            print(f"{listing(costs(study, out, given), images)}\nstudy folder: {out}")
            return 0
        how = keywords(options, "together", "batched", "minutes")
        failed = run_study(study, out, given, **how)
    except InputError as error:
        print(f"{Path(sys.argv[0]).name}: error: {error}", file=sys.stderr)
        return 1
    except OutOfTime:
        print(f"to continue: {command()}")
        return 0
    except KeyboardInterrupt:
        print(f"\ninterrupted; to continue: {command()}", file=sys.stderr)
        return 130
    if failed:
        print(f"{count(len(failed), 'run')} failed; see {out / 'log.txt'}; to retry: {command()}")
        return 1
    print_next("report", out / study.trials[0].folder)
    return 0


def source(options: argparse.Namespace) -> Source:
    """Return the data set and settings of all runs; the phantom without a GPU is quick."""
    quick = options.quick
    if not (quick or options.list or options.data):
        import_keras()
        quick = gpu_count() == 0
    settings = parse_assignments(options.settings)
    return Source(options.dataset, options.data, quick, settings, options.outside)
