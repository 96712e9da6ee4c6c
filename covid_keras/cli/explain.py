"""`covid-keras explain` and `covid-keras report`."""

from argparse import Namespace
from pathlib import Path

import covid_keras
from covid_keras.cli.parts import add_command, print_next
from covid_keras.utils.backend import backend


def add(commands) -> None:
    """Add the commands to the parser."""
    text = "draw class activation maps, sample predictions, and t-SNE of the features"
    example = "covid-keras explain RUN --count 3"
    add = add_command(commands, "explain", explain, text, example).add_argument
    add("run_folder", type=Path, metavar="RUN")
    add("--method", default="gradcam", choices=("gradcam",))
    add("--count", type=int, default=3, metavar="N", help="images per class; default: 3")
    text = "write an HTML page and a model card"
    add = add_command(commands, "report", report, text, "covid-keras report RUN").add_argument
    add("run_folder", type=Path, metavar="RUN")


def explain(options: Namespace) -> None:
    """Draw what a run looks at."""
    for picture in covid_keras.explain(
        options.run_folder, method=options.method, count=options.count
    ):
        print(f"wrote {picture}")
    print_next("report", options.run_folder)


def report(options: Namespace) -> None:
    """Write the pages of a run."""
    for page in covid_keras.report(options.run_folder):
        print(f"wrote {page}")
    if (options.run_folder / "model.keras").exists() and backend() == "tensorflow":
        print_next("export", options.run_folder, "--out", f"saved_models/{options.run_folder.name}")
