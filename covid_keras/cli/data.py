"""`covid-keras data ...`: list, verify, phantom, pack and fetch."""

from argparse import Namespace
from pathlib import Path

from covid_keras.cli.parts import add_command, print_next
from covid_keras.utils.errors import InputError

RECIPES = {"phantom-ct": "ct-bit", "phantom-xray": "xray-3class"}
"""The recipe that is named as the next step, for each phantom."""


def add(commands) -> None:
    """Add the commands to the parser."""
    text = "list, check, make, pack and fetch data sets"
    data = commands.add_parser("data", help=text, description=f"{text.capitalize()}.")
    actions = data.add_subparsers(title="actions", metavar="ACTION", required=True)
    name = {"metavar": "NAME", "help": "a name from `covid-keras data list`"}
    folder = {"type": Path, "required": True, "metavar": "DIR", "help": "the data set's folder"}

    add = add_command(actions, print_datasets, "covid-keras data list covidx-ct-2a", "list")
    add("name", nargs="?", metavar="NAME", help="show this data set")

    add = add_command(actions, verify, "covid-keras data verify covid19-ct --data DIR")
    add("name", **name)
    add("--data", **folder)

    add = add_command(actions, make_phantom, "covid-keras data phantom --out phantom", "phantom")
    add("--kind", choices=("ct", "xray"), default="ct", help="default: ct")
    add("--out", type=Path, required=True, metavar="DIR", help="a new folder")
    add("--patients", type=int, metavar="N", help="15 or more; default: 60 for ct, 120 for xray")
    add("--slices", type=int, metavar="N", help="slices per patient, for ct; default: 6")
    add("--seed", type=int, default=0, metavar="N", help="random seed; default: 0")

    example = "covid-keras data pack covid19-ct --data DIR --out covid19_ct.tar --fit 285 372"
    add = add_command(actions, pack, example)
    add("name", **name)
    add("--data", **folder)
    add("--out", type=Path, required=True, metavar="FILE.tar", help="the file to write")
    fit = "shrink larger images to this size; 285 372 is enough for ct-networks"
    add("--fit", type=int, nargs=2, metavar=("HEIGHT", "WIDTH"), help=fit)
    add("--quality", type=int, metavar="Q", help="JPEG quality; default: lossless PNG")

    add = add_command(actions, fetch, "covid-keras data fetch covidx-ct-2a --out DIR")
    add("name", **name)
    add("--out", type=Path, metavar="DIR", help="default: data/NAME")


def print_datasets(options: Namespace) -> None:
    """List the data sets, or show one."""
    from covid_keras.datasets import catalogue

    if options.name:
        print(catalogue.get(options.name))
        return
    print("\n".join(catalogue.get(name).line() for name in catalogue.names()))
    print("\nnext: covid-keras data list NAME")


def verify(options: Namespace) -> int:
    """Check a data set on disk: counts, missing and unreadable files, boxes, labels.

    Exits with status 1 if there is a problem.
    """
    from covid_keras.datasets.verify import verify

    result = verify(options.name, options.data)
    for problem in result.problems:
        print(problem)
    print(result.table())
    return 1 if result.problems else 0


def make_phantom(options: Namespace) -> None:
    """Make a phantom: synthetic chest CT slices or X-rays, to try everything without data."""
    from covid_keras.phantom import MAKERS

    name = f"phantom-{options.kind}"
    given = {"patients": options.patients, "slices": options.slices}
    given = {key: value for key, value in given.items() if value is not None}
    if options.kind != "ct" and "slices" in given:
        raise InputError(f"--slices {options.slices}: only for --kind ct")
    MAKERS[name](options.out, **given, seed=options.seed)
    print(f"wrote {options.out}: synthetic images, not patients")
    print_next("train", RECIPES[name], "--dataset", name, "--data", options.out, "--quick")


def pack(options: Namespace) -> None:
    """Pack a data set into one file."""
    from covid_keras.datasets.archive import pack

    fit = tuple(options.fit) if options.fit else None
    packed = pack(options.name, options.data, options.out, fit, options.quality)
    print(
        f"wrote {options.out}: {packed.images:,} images, {packed.bytes / 1e6:.1f} MB; mean"
        f" difference from the original: {packed.difference:.2f} grey levels"
    )
    print(f"next, on the other machine: mkdir DIR && tar xf {options.out.name} -C DIR")


def fetch(options: Namespace) -> int:
    """Download a data set, or print how to get it.

    Exits with status 1 if a person has to do more, such as to accept a licence.
    """
    from covid_keras.datasets.fetch import fetch

    out = options.out or Path("data") / options.name
    fetched = fetch(options.name, out)
    for file in fetched.files:
        print(f"wrote {file}")
    if fetched.instruction:
        print(fetched.instruction)
        return 1
    print_next("data", "verify", options.name, "--data", out)
    return 0
