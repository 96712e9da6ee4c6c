"""Print what the package logs: messages to stdout, warnings to stderr."""

import logging
import sys


def print_messages() -> None:
    """Print the INFO lines of the package to stdout, warnings to stderr."""
    logger = logging.getLogger("covid_keras")
    logger.setLevel(logging.INFO)
    if not any(isinstance(handler, _Console) for handler in logger.handlers):
        logger.addHandler(_Console())


class _Console(logging.Handler):
    """Looks its streams up when it prints: tests and workers replace them."""

    def emit(self, record: logging.LogRecord) -> None:
        stream = sys.stdout if record.levelno < logging.WARNING else sys.stderr
        print(record.getMessage(), file=stream, flush=True)
