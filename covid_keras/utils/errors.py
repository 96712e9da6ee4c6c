"""The exceptions of bad input and of time that has run out."""


class InputError(ValueError):
    """Bad input. The message is one line: file (and line, if any), what was expected and received.

    The command line prints it and exits with status 1.
    """


class OutOfTime(Exception):
    """The time limit has passed; what is done is saved, and can be resumed."""
