"""`covid-keras explain` and `covid-keras report`."""

from argparse import Namespace
from pathlib import Path

import covid_keras
from covid_keras.cli.parts import add_command, print_next
from covid_keras.utils.backend import backend


def add(commands) -> None:
    """Add the commands to the parser."""
    add = add_command(commands, explain, "covid-keras explain RUN --count 3")
    add("run_folder", type=Path, metavar="RUN", help="a trained run")
    add("--method", default="gradcam", choices=("gradcam",), help="default: gradcam")
    add("--count", type=int, default=3, metavar="N", help="maps per class; default: 3")
    add = add_command(commands, report, "covid-keras report RUN")
    add("run_folder", type=Path, metavar="RUN", help="a run; the page lists what it lacks")


def explain(options: Namespace) -> None:
    """Draw class activation maps, sample predictions, and t-SNE of the features."""
    run = options.run_folder
    for picture in covid_keras.explain(run, method=options.method, count=options.count):
        print(f"wrote {picture}")
    print_next("report", run)


def report(options: Namespace) -> None:
    """Write a run's page, report.html, and its model card, card.md."""
    for page in covid_keras.report(options.run_folder):
        print(f"wrote {page}")
    if (options.run_folder / "model.keras").exists() and backend() == "tensorflow":
        print_next("export", options.run_folder, "--out", f"saved_models/{options.run_folder.name}")
