"""Print lines; the package's messages go to stdout, its warnings and errors to stderr."""

import io
import logging
import sys
import warnings
from typing import TextIO

from covid_keras.utils.text import printable


def say(*lines: object, file: TextIO | None = None) -> None:
    """Print each line; control characters in it, as names of files may have, are escaped.

    Args:
        file: the stream; None is the standard output of the moment.
    """
    file = file or sys.stdout
    for line in lines:
        print(printable(str(line)), file=file, flush=True)


def say_text(text: object) -> None:
    """Print text of several lines as `say` does."""
    say(*str(text).split("\n"))


def take_any_encoding() -> None:
    """Let stdout and stderr print what their encoding lacks as an escape, in place of an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def print_messages() -> None:
    """Print the INFO lines of the package to stdout, warnings to stderr, in any encoding.

    What pydicom warns of is left out: it names no file.
    """
    take_any_encoding()
    warnings.filterwarnings("ignore", module="pydicom")
    logger = logging.getLogger("covid_keras")
    logger.setLevel(logging.INFO)
    logger.propagate = False  # absl, in TensorFlow's export, gives the root a console of its own
    if not any(isinstance(handler, _Console) for handler in logger.handlers):
        logger.addHandler(_Console())


class _Console(logging.Handler):
    """Looks its streams up when it prints: tests and workers replace them."""

    def emit(self, record: logging.LogRecord) -> None:
        stream = sys.stdout if record.levelno < logging.WARNING else sys.stderr
        say(record.getMessage(), file=stream)
