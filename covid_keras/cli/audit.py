"""`covid-keras audit`."""

from argparse import Namespace
from pathlib import Path

import covid_keras
from covid_keras.cli.parts import add_command, keywords, print_next
from covid_keras.datasets.label_files import read_csv


def add(commands) -> None:
    """Add the command to the parser."""
    add = add_command(commands, audit, "covid-keras audit sars-cov-2-ct --data DIR")
    add("dataset", metavar="NAME", help="a name from `covid-keras data list`")
    add("--data", type=Path, required=True, metavar="DIR", help="the data set's folder, or a CSV")
    add("--out", type=Path, metavar="DIR", help="folder of the results; default: audits/NAME")
    add("--splits", nargs="+", metavar="SPLIT", help="published splits to audit; default: all")
    reviewed = "CSV of near-duplicate pairs already reviewed (columns first,second)"
    add("--accept", type=Path, metavar="CSV", help=reviewed)
    seed = "seed of the split, if the data set has none, and of the baselines; default: 0"
    add("--seed", type=int, default=0, metavar="N", help=seed)


def audit(options: Namespace) -> int:
    """Find leaks, shortcuts and doubtful labels in a data set.

    Exits with status 1 if a finding invalidates the scores.
    """
    options.out = options.out or Path("audits") / options.dataset
    accepted = read_csv(options.accept, ("first", "second")) if options.accept else ()
    given = keywords(options, "dataset", "data", "out", "splits", "seed")
    pairs = [(row["first"], row["second"]) for _, row in accepted]
    result = covid_keras.audit(**given, accepted=pairs)
    print(result)
    print(f"wrote {options.out / 'audit.json'} and {options.out / 'audit.html'}")
    if result.failed:
        return 1
    print_next("train", "RECIPE", "--dataset", options.dataset, "--data", options.data)
    return 0
