"""The command `covid-keras`: its parser, and errors as one line and an exit status."""

import argparse
import gc
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import covid_keras
from covid_keras import recipes
from covid_keras.cli import data, lists, runs, train
from covid_keras.cli.parts import OPTIONS, add_command
from covid_keras.recipes.settings import all_settings, meant
from covid_keras.utils.console import print_messages, say
from covid_keras.utils.errors import InputError, OutOfTime
from covid_keras.utils.text import near_misses, printable, shell

DESCRIPTION = (
    "COVID-19 classifiers for chest CT and X-ray by transfer learning, with results that can be"
    " defended. Not a medical device."
)
EPILOG = (
    "To try everything on synthetic images: covid-keras run ct-bit. A command's options: --help."
)
COMMANDS = {
    "recipes": lists.print_recipes,
    "models": lists.print_models,
    "data list": lists.print_datasets,
    "data verify": data.verify,
    "data describe": data.describe,
    "data phantom": data.make_phantom,
    "data pack": data.pack,
    "data fetch": data.fetch,
    "audit": data.audit,
    "run": train.run,
    "train": train.train,
    "evaluate": runs.evaluate,
    "measure": runs.measure,
    "plan": runs.plan,
    "compare": runs.compare,
    "ensemble": runs.ensemble,
    "explain": runs.explain,
    "report": runs.report,
    "export": runs.export,
    "predict": runs.predict,
}
"""{command, a section of options.toml: the function that runs it}."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status.

    0: success. 1: bad input, one line on stderr, or what the command's help says. 2: bad usage,
    one line. 130: Ctrl-C. 143: SIGTERM, which ends a command as Ctrl-C does.
    """
    print_messages()
    options = parser().parse_args(arguments)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _terminate)
    try:
        return options.run(options) or 0
    except InputError as error:
        bar = "\r\033[K" if sys.stderr.isatty() else ""  # clear a progress bar that was cut short
        print(end=bar, file=sys.stderr)
        say(f"covid-keras: error: {error}", file=sys.stderr)
        _end_reading(error)
        return 1
    except OutOfTime:  # the command has said how to resume
        return 0
    except BrokenPipeError:  # the reader, such as `head`, has closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt as stop:
        terminated = isinstance(stop, Terminated)
        say("", f"covid-keras: {'terminated' if terminated else 'interrupted'}", file=sys.stderr)
        _end_reading(stop)
        return 143 if terminated else 130


class Terminated(KeyboardInterrupt):
    """SIGTERM: what is done on Ctrl-C is done."""


def _terminate(number: int, frame: object) -> NoReturn:
    raise Terminated


class Parser(argparse.ArgumentParser):
    """A parser that reports bad usage in one line, with what was probably meant."""

    def error(self, message: str) -> NoReturn:
        line = f"{self.prog}: error: {message}; see {self.prog} --help"
        self.exit(2, f"{printable(line)}\n")

    def parse_known_args(self, args=None, namespace=None) -> tuple[argparse.Namespace, list[str]]:
        """Refuse what a command does not know; the message names the nearest option or setting."""
        options, rest = super().parse_known_args(args, namespace)
        if rest:
            self.error(f"{rest[0]}: unknown; {self._meant(rest[0])}")
        return options, rest

    def _check_value(self, action: argparse.Action, value: object) -> None:
        if action.choices is not None and value not in action.choices:
            hint = near_misses(str(value), map(str, action.choices))
            raise argparse.ArgumentError(action, f"{value} is unknown; {hint}")

    def _meant(self, given: str) -> str:
        """Return what an argument that is not known was probably meant to be."""
        known = [name for name in self._option_string_actions if name.startswith("--")]
        if not given.startswith("-"):
            data = "--data" in known and Path(given).exists()
            return f"did you mean --data {shell(given)}?" if data else "no more names belong here"
        keys = all_settings(next(iter(recipes.RECIPES.values()))) if "--set" in known else ()
        if same := meant(given.split("=")[0], keys):
            return f"this is a setting: --set {same[0]}=VALUE"
        return near_misses(given, known)


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands; `options.run` is the function that runs the command."""
    top = Parser("covid-keras", description=DESCRIPTION, epilog=EPILOG)
    top.add_argument("--version", action="version", version=covid_keras.__version__)
    groups = {"": top.add_subparsers(title="commands", metavar="COMMAND", required=True)}
    for name, run in COMMANDS.items():
        group = name.rpartition(" ")[0]
        if group not in groups:
            text = OPTIONS[group]["help"]
            parent = groups[""].add_parser(group, help=text, description=f"{text.capitalize()}.")
            groups[group] = parent.add_subparsers(title="actions", metavar="ACTION", required=True)
        add_command(groups[group], name, run)
    return top


def _end_reading(error: BaseException) -> None:
    """Free the datasets in the error's frames, so that their threads end before Python does.

    A TensorFlow thread that is still reading while Python exits aborts the process.
    """
    error.__traceback__ = error.__cause__ = error.__context__ = None
    gc.collect()
