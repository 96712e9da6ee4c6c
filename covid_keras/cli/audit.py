"""`covid-keras audit`."""

from argparse import Namespace
from pathlib import Path

import covid_keras
from covid_keras.cli.parts import add_command, print_next


def add(commands) -> None:
    """Add the command to the parser."""
    text = (
        "find leaks, shortcuts and doubtful labels in a data set; exits with status 1 if a finding"
        " invalidates the scores"
    )
    example = "covid-keras audit sars-cov-2-ct --data DIR"
    add = add_command(commands, "audit", audit, text, example).add_argument
    add("name", help="a name from `covid-keras data list`")
    add("--data", type=Path, required=True, metavar="DIR")
    add("--out", type=Path, metavar="DIR", help="default: audits/NAME")
    add("--splits", nargs="+", metavar="SPLIT", help="published splits to audit; default: all")
    reviewed = "CSV of near-duplicate pairs already reviewed (columns first,second)"
    add("--accept", type=Path, metavar="CSV", help=reviewed)
    add("--seed", type=int, default=0, help="seed of the split, if the data set has none")


def audit(options: Namespace) -> int:
    """Audit a data set; return 1 if a finding invalidates the scores."""
    from covid_keras.audit.findings.leaks import read_accepted

    out = options.out or Path("audits") / options.name
    found = covid_keras.audit(
        options.name,
        options.data,
        out=out,
        splits=options.splits,
        accepted=read_accepted(options.accept) if options.accept else (),
        seed=options.seed,
    )
    print(found)
    print(f"wrote {out / 'audit.json'} and {out / 'audit.html'}")
    if found.failed:
        return 1
    print_next("train", "RECIPE", "--dataset", options.name, "--data", options.data)
    return 0
