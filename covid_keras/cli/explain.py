"""`covid-keras explain` and `covid-keras report`."""

from argparse import Namespace
from pathlib import Path

from covid_keras.cli.parts import add_command, print_next, public
from covid_keras.utils.backend import backend


def add(commands) -> None:
    """Add the commands to the parser."""
    maps = add_command(
        commands,
        "explain",
        explain,
        "draw class activation maps, sample predictions, and t-SNE of the features",
        "covid-keras explain RUN --count 3",
    )
    maps.add_argument("run_folder", type=Path, metavar="RUN")
    maps.add_argument("--method", default="gradcam", choices=("gradcam",))
    maps.add_argument("--count", type=int, default=3, metavar="N", help="images per class")
    pages = add_command(
        commands,
        "report",
        report,
        "write an HTML page and a model card",
        "covid-keras report RUN",
    )
    pages.add_argument("run_folder", type=Path, metavar="RUN")


def explain(options: Namespace) -> None:
    """Draw what a run looks at."""
    for picture in public("explain")(
        options.run_folder, method=options.method, count=options.count
    ):
        print(f"wrote {picture}")
    print_next("report", options.run_folder)


def report(options: Namespace) -> None:
    """Write the pages of a run."""
    for page in public("report")(options.run_folder):
        print(f"wrote {page}")
    if (options.run_folder / "model.keras").exists() and backend() == "tensorflow":
        print_next("export", options.run_folder, "--out", f"saved_models/{options.run_folder.name}")
