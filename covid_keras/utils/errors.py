"""The one exception that the command line turns into one clear line."""


class InputError(ValueError):
    """Bad input: the message is one line that names the file (and line where there is one),
    what was expected and what was received."""


class OutOfTime(Exception):
    """The time that was given has passed; what is done is saved, and can be gone on with.

    Args:
        failed: {folder of a run that has failed by then: why}.
    """

    def __init__(self, failed: dict[str, str] | None = None) -> None:
        super().__init__("time is up")
        self.failed = failed or {}
