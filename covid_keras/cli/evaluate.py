"""`covid-keras evaluate`, `compare` and `ensemble`."""

from argparse import Namespace
from pathlib import Path

import covid_keras
from covid_keras.cli.parts import add_command, keywords, print_next
from covid_keras.recipes.settings import parse_assignments


def add(commands) -> None:
    """Add the commands to the parser."""
    add = add_command(commands, evaluate, "covid-keras evaluate RUN")
    add("run_folder", type=Path, metavar="RUN", help="a trained run, or a folder of folds or seeds")
    add("--split", default="test", choices=("train", "val", "test"), help="default: test")
    add("--dataset", metavar="NAME", help="evaluate on another data set, as external test")
    add("--data", type=Path, metavar="DIR", help="the other data set's folder or CSV")
    add("--name", help="what to call the other data set; default: its name")
    label = "classes of the run for labels of the other data set; LABEL= leaves its images out"
    add("--map", nargs="+", default=[], metavar="LABEL=CLASS", help=label)
    prevalence = "also give PPV and NPV of the last class at this prevalence, between 0 and 1"
    add("--prevalence", type=float, metavar="P", help=prevalence)
    ablations = (
        "also predict the test images without the centre, the border alone and the centre alone"
    )
    add("--ablations", action="store_true", help=ablations)
    masks = "with --ablations: folder of lung masks named like the images"
    add("--masks", type=Path, metavar="DIR", help=masks)
    augmented = "test-time augmentation: also average over N augmented samples of each image"
    add("--augmented", type=int, metavar="N", help=augmented)
    add("--figures", choices=("pdf",), help="also write the figures as PDF, for a paper")

    add = add_command(commands, compare, "covid-keras compare RUN_A RUN_B")
    add("first", type=Path, metavar="RUN_A", help="an evaluated run")
    add("second", type=Path, metavar="RUN_B", help="another one, evaluated on the same images")
    split = "val, test, or a data set that both runs were evaluated on; default: test"
    add("--split", default="test", metavar="NAME", help=split)

    example = "covid-keras ensemble RUN_A RUN_B RUN_C --out runs/ensemble"
    add = add_command(commands, ensemble, example)
    add("runs", type=Path, nargs="+", metavar="RUN", help="two or more evaluated runs")
    add("--out", type=Path, required=True, metavar="DIR", help="a new folder")


def evaluate(options: Namespace) -> None:
    """Predict a set of images; write metrics with 95 % intervals, and figures."""
    names = ["split", "dataset", "data", "name", "prevalence"]
    names += ["ablations", "masks", "augmented", "figures"]
    label_map = parse_assignments(options.map, "--map")
    given = keywords(options, *names)
    metrics = covid_keras.evaluate(options.run_folder, **given, label_map=label_map)
    folders = [options.run_folder / name for name in metrics.get("runs", [""])]
    written = f"predictions_{metrics['set']}.csv, metrics.json and figures/"
    print(metrics, *(f"wrote {folder}: {written}" for folder in folders), sep="\n")
    print_next("explain", folders[0])


def compare(options: Namespace) -> None:
    """Compare two runs on the same images: paired differences with intervals and p-values."""
    print(covid_keras.compare(options.first, options.second, split=options.split))


def ensemble(options: Namespace) -> None:
    """Average the predictions of several runs, on every set that all have predicted."""
    covid_keras.ensemble(options.runs, options.out)
    print(f"wrote {options.out}: predictions, uncertainty, metrics.json and figures/")
    print_next("report", options.out)
