"""What the command groups share."""

import argparse
import shlex
from collections.abc import Callable


def add_command(commands, name: str, run: Callable, help: str, example: str):
    """Add a sub-command whose help ends with an example; return its parser."""
    command = commands.add_parser(
        name,
        help=help,
        description=f"{help[0].upper()}{help[1:]}.".replace("%%", "%"),  # only help is a format
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(run=run)
    return command


def print_next(*words: object) -> None:
    """Print the command that comes next, ready to be pasted into a shell."""
    print("next: covid-keras", shlex.join(map(str, words)))
