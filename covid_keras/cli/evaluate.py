"""`covid-keras evaluate`, `compare` and `ensemble`."""

from argparse import Namespace
from pathlib import Path

from covid_keras.cli.parts import add_command, print_next, public
from covid_keras.recipes.settings import parse_assignments


def add(commands) -> None:
    """Add the commands to the parser."""
    one = add_command(
        commands,
        "evaluate",
        evaluate,
        "predict a set of images; write metrics with 95 %% intervals, and figures",
        "covid-keras evaluate RUN",
    )
    one.add_argument("run_folder", type=Path, metavar="RUN")
    one.add_argument("--split", default="test", choices=("train", "val", "test"))
    one.add_argument("--dataset", metavar="NAME", help="another data set, as external test")
    one.add_argument("--data", type=Path, metavar="DIR", help="the other data set's folder or CSV")
    one.add_argument(
        "--name", metavar="N", help="what to call the other data set in the run; default: its name"
    )
    one.add_argument(
        "--map",
        nargs="+",
        default=[],
        metavar="LABEL=CLASS",
        help="the run's class for a label of the other data set; LABEL= leaves its images out",
    )
    one.add_argument(
        "--prevalence",
        type=float,
        metavar="P",
        help="PPV and NPV of the last class at P",
    )
    one.add_argument(
        "--ablations",
        action="store_true",
        help="also predict the test images with the centre, the border or all else blacked out",
    )
    one.add_argument(
        "--masks",
        type=Path,
        metavar="DIR",
        help="for --ablations: lung masks named like the images",
    )
    one.add_argument(
        "--augmented",
        type=int,
        metavar="N",
        help="test-time augmentation: also average over N augmented samples of each image",
    )
    two = add_command(
        commands,
        "compare",
        compare,
        "compare two runs on the same images: paired differences with intervals and p-values",
        "covid-keras compare RUN_A RUN_B",
    )
    two.add_argument("first", type=Path, metavar="RUN_A")
    two.add_argument("second", type=Path, metavar="RUN_B")
    two.add_argument(
        "--split",
        default="test",
        metavar="NAME",
        help="val, test, or a data set that both runs were evaluated on; default: test",
    )
    several = add_command(
        commands,
        "ensemble",
        ensemble,
        "average the predictions of several runs, on every set that all have predicted",
        "covid-keras ensemble RUN_A RUN_B RUN_C --out runs/ensemble",
    )
    several.add_argument("runs", type=Path, nargs="+", metavar="RUN")
    several.add_argument("--out", type=Path, required=True, metavar="DIR")


def evaluate(options: Namespace) -> None:
    """Predict a set of images, and measure."""
    metrics = public("evaluate")(
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
    )
    print(metrics)
    name = options.name or options.dataset or options.split
    print(f"wrote {options.run_folder}: predictions_{name}.csv, metrics.json and figures/")
    print_next("explain", options.run_folder)


def compare(options: Namespace) -> None:
    """Compare two runs."""
    print(public("compare")(options.first, options.second, split=options.split))


def ensemble(options: Namespace) -> None:
    """Average several runs."""
    public("ensemble")(options.runs, options.out)
    print(f"wrote {options.out}: predictions, uncertainty, metrics.json and figures/")
    print_next("report", options.out)
