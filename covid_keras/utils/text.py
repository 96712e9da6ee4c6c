"""Text for people: the next command, counts, percentages, tables and near misses."""

import shlex


def say_next(*words: object) -> None:
    """Print the command that comes next, quoted for a shell."""
    print("next: covid-keras", shlex.join(map(str, words)))
