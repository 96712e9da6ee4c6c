"""`covid-keras evaluate`, `compare` and `ensemble`."""

from argparse import Namespace
from pathlib import Path

import covid_keras
from covid_keras.cli.parts import add_command, print_next
from covid_keras.recipes.settings import parse_assignments

SPLITS = ("train", "val", "test")


def add(commands) -> None:
    """Add the commands to the parser."""
    text = "predict a set of images; write metrics with 95 %% intervals, and figures"
    add = add_command(commands, "evaluate", evaluate, text, "covid-keras evaluate RUN").add_argument
    add("run_folder", type=Path, metavar="RUN", help="a run, or a folder of folds or seeds")
    add("--split", default="test", choices=SPLITS, help="default: test")
    add("--dataset", metavar="NAME", help="another data set, as external test")
    add("--data", type=Path, metavar="DIR", help="the other data set's folder or CSV")
    add("--name", metavar="N", help="what to call the other data set; default: its name")
    label = "the run's class for a label of the other data set; LABEL= leaves its images out"
    add("--map", nargs="+", default=[], metavar="LABEL=CLASS", help=label)
    add("--prevalence", type=float, metavar="P", help="PPV and NPV of the last class at P")
    black = "also predict test images with the centre, the border or all else blacked out"
    add("--ablations", action="store_true", help=black)
    masks = "for --ablations: lung masks named like the images"
    add("--masks", type=Path, metavar="DIR", help=masks)
    mean = "test-time augmentation: also average over N augmented samples of each image"
    add("--augmented", type=int, metavar="N", help=mean)
    add("--figures", choices=("pdf",), help="also write the figures as PDF, for a paper")

    text = "compare two runs on the same images: paired differences with intervals and p-values"
    example = "covid-keras compare RUN_A RUN_B"
    add = add_command(commands, "compare", compare, text, example).add_argument
    add("first", type=Path, metavar="RUN_A")
    add("second", type=Path, metavar="RUN_B")
    both = "val, test, or a data set that both runs were evaluated on; default: test"
    add("--split", default="test", metavar="NAME", help=both)

    text = "average the predictions of several runs, on every set that all have predicted"
    example = "covid-keras ensemble RUN_A RUN_B RUN_C --out runs/ensemble"
    add = add_command(commands, "ensemble", ensemble, text, example).add_argument
    add("runs", type=Path, nargs="+", metavar="RUN")
    add("--out", type=Path, required=True, metavar="DIR")


def evaluate(options: Namespace) -> None:
    """Predict a set of images, and measure."""
    metrics = covid_keras.evaluate(
        options.run_folder,
        split=options.split,
        dataset=options.dataset,
        data=options.data,
        name=options.name,
        label_map=parse_assignments(options.map, "--map"),
        prevalence=options.prevalence,
        ablations=options.ablations,
        masks=options.masks,
        augmented=options.augmented,
        figures=options.figures,
    )
    print(metrics)
    name = options.name or options.dataset or options.split
    print(f"wrote {options.run_folder}: predictions_{name}.csv, metrics.json and figures/")
    print_next("explain", options.run_folder)


def compare(options: Namespace) -> None:
    """Compare two runs."""
    print(covid_keras.compare(options.first, options.second, split=options.split))


def ensemble(options: Namespace) -> None:
    """Average several runs."""
    covid_keras.ensemble(options.runs, options.out)
    print(f"wrote {options.out}: predictions, uncertainty, metrics.json and figures/")
    print_next("report", options.out)
