"""What the commands and scripts share."""

import argparse
import inspect
import pkgutil
import textwrap
from collections.abc import Callable
from pathlib import Path

from covid_keras.utils.console import say
from covid_keras.utils.files import read_toml
from covid_keras.utils.text import shell

OPTIONS = read_toml(Path(__file__).with_name("options.toml"))
TYPES = {"path": Path, "int": int, "float": float}


def add_command(commands: argparse._SubParsersAction, name: str, run: Callable) -> None:
    """Add the sub-command that calls `run`; `name` is its section of options.toml.

    The docstring of `run` is the help, its first paragraph also the line in the list of commands.
    """
    paragraphs = [" ".join(text.split()) for text in inspect.getdoc(run).split("\n\n")]
    summary = paragraphs[0].rstrip(".").replace("%", "%%")
    command = commands.add_parser(
        name.split()[-1],
        help=summary[0].lower() + summary[1:],
        description="\n\n".join(textwrap.fill(text, 80) for text in paragraphs),
        epilog=f"example:\n  {OPTIONS[name]['example']}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(run=run)
    add_options(command, name)


def add_options(parser: argparse.ArgumentParser, name: str) -> None:
    """Add the options of a section of options.toml to a parser, after those that it shares."""
    section = OPTIONS[name]
    if "shared" in section:
        add_options(parser, section["shared"])
    for option, given in section.get("options", {}).items():
        given = dict(given)
        if "type" in given:
            given["type"] = TYPES[given["type"]]
        if isinstance(given.get("choices"), str):
            given["choices"] = pkgutil.resolve_name(given["choices"])
        if isinstance(given.get("metavar"), list):  # argparse takes one name a value as a tuple
            given["metavar"] = tuple(given["metavar"])
        parser.add_argument(option, **given)


def keywords(options: argparse.Namespace, *names: str) -> dict[str, object]:
    """Return these options as keyword arguments."""
    return {name: getattr(options, name) for name in names}


def export_folder(run: Path) -> Path:
    """Return a new folder in saved_models/ named after the run, with that of its folds or seeds."""
    run = run.resolve()
    parts = [run.name]
    while run.name.startswith(("fold_", "seed_")):
        run = run.parent
        parts.insert(0, run.name)
    name, number = "_".join(parts), 1
    folder = Path("saved_models", name)
    while folder.exists():
        number += 1
        folder = Path("saved_models", f"{name}_{number}")
    return folder


def print_next(*words: object) -> None:
    """Print the command that comes next, ready to be pasted into a shell."""
    say(f"next: covid-keras {shell(*words)}")
