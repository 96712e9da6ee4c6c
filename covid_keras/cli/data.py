"""`covid-keras data verify`, `describe`, `phantom`, `pack` and `fetch`, and `covid-keras audit`."""

from argparse import Namespace
from pathlib import Path

import covid_keras
from covid_keras.cli.parts import keywords, print_next
from covid_keras.datasets import catalogue
from covid_keras.datasets.label_files import read_csv
from covid_keras.utils.console import say, say_text
from covid_keras.utils.errors import InputError
from covid_keras.utils.text import shell

RECIPES = {"phantom-ct": "ct-bit", "phantom-xray": "xray-3class"}
"""The recipe that is named as the next step, for each phantom."""


def verify(options: Namespace) -> int:
    """Check a data set on disk: counts, missing and unreadable files, boxes, labels.

    Exits with status 1 if there is a problem.
    """
    from covid_keras.datasets.verify import verify

    result = verify(options.name, options.data, outside=options.outside)
    say(*result.problems)
    say_text(result.table())
    return 1 if result.problems else 0


def describe(options: Namespace) -> None:
    """Draw a data set's images and patients by split and class, examples and image sizes.

    The table of sizes is written as text, CSV and LaTeX, and captions.md holds the captions.
    """
    given = keywords(options, "data", "out", "splits", "recipe", "count")
    for path in covid_keras.describe(options.name, **given):
        say(f"wrote {path}")


def make_phantom(options: Namespace) -> None:
    """Make a phantom: synthetic chest CT slices or X-rays, to try everything without data."""
    from covid_keras.phantom import MAKERS

    name = f"phantom-{options.kind}"
    given = {"patients": options.patients, "slices": options.slices}
    given = {key: value for key, value in given.items() if value is not None}
    if options.kind != "ct" and "slices" in given:
        raise InputError(f"--slices {options.slices}: only for --kind ct")
    MAKERS[name](options.out, **given, seed=options.seed)
    say(f"wrote {options.out}: synthetic images, not patients")
    print_next("train", RECIPES[name], "--dataset", name, "--data", options.out, "--quick")


def pack(options: Namespace) -> None:
    """Pack a data set into one file."""
    from covid_keras.datasets.archive import pack

    fit = tuple(options.fit) if options.fit else None
    packed = pack(options.name, options.data, options.out, fit, options.quality)
    say(
        f"wrote {options.out}: {packed.images:,} images, {packed.bytes / 1e6:.1f} MB; mean"
        f" difference from the original: {packed.difference:.2f} grey levels"
    )
    say(f"next, on the other machine: mkdir DIR && {shell('tar', 'xf', options.out.name)} -C DIR")


def fetch(options: Namespace) -> int:
    """Download a data set, or print how to get it.

    Exits with status 1 if a person has to do more, such as to accept a licence.
    """
    from covid_keras.datasets.fetch import fetch

    out = options.out or Path("data") / options.name
    fetched = fetch(options.name, out)
    say(*(f"wrote {file}" for file in fetched.files))
    if fetched.instruction:
        say_text(fetched.instruction)
        return 1
    print_next("data", "verify", options.name, "--data", out)
    return 0


def audit(options: Namespace) -> int:
    """Find leaks, shortcuts and doubtful labels in a data set.

    Exits with status 1 if a finding invalidates the scores.
    """
    catalogue.get(options.dataset)
    options.out = options.out or Path("audits") / options.dataset
    accepted = read_csv(options.accept, ("first", "second")) if options.accept else ()
    given = keywords(options, "dataset", "data", "out", "splits", "outside", "seed")
    pairs = [(row["first"], row["second"]) for _, row in accepted]
    result = covid_keras.audit(**given, accepted=pairs, run=options.run_folder)
    say_text(result)
    say(f"wrote {options.out / 'audit.json'} and {options.out / 'audit.html'}")
    if result.failed:
        return 1
    print_next("train", "RECIPE", "--dataset", options.dataset, "--data", options.data)
    return 0
