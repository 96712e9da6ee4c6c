"""What the command groups share."""

import argparse
import inspect
import shlex
import textwrap
from collections.abc import Callable


def add_command(commands, run: Callable, example: str, name: str = "") -> Callable:
    """Add the sub-command that calls `run`; return its `add_argument`.

    The docstring of `run` is the help, its first paragraph also the line in the list of commands.
    The name is that of `run` by default.
    """
    paragraphs = [" ".join(text.split()) for text in inspect.getdoc(run).split("\n\n")]
    summary = paragraphs[0].rstrip(".").replace("%", "%%")
    command = commands.add_parser(
        name or run.__name__,
        help=summary[0].lower() + summary[1:],
        description="\n\n".join(textwrap.fill(text, 80) for text in paragraphs),
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(run=run)
    return command.add_argument


def keywords(options: argparse.Namespace, *names: str) -> dict[str, object]:
    """Return these options as keyword arguments."""
    return {name: getattr(options, name) for name in names}


def print_next(*words: object) -> None:
    """Print the command that comes next, ready to be pasted into a shell."""
    print("next: covid-keras", shlex.join(map(str, words)))
