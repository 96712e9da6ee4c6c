"""What a verdict is made of: topics, tones, sentences, and numbers as they stand in one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from covid_keras.metrics.sentences import percent

WHAT, GOOD, COMPARED, LOOKS, UNKNOWN = (
    "What it is",
    "How good",
    "Compared with what",
    "Where it looks",
    "Not tested or unknown",
)
TOPICS = (WHAT, GOOD, COMPARED, LOOKS, UNKNOWN)
"""What a reader asks, in the order of a verdict."""
FOR, AGAINST, OPEN, PLAIN = "for", "against", "open", "plain"
"""Whether a sentence speaks for the network, against it, says what is open, or just tells."""


@dataclass(frozen=True)
class Sentence:
    """One sentence of a verdict."""

    topic: str
    text: str
    tone: str = PLAIN


def with_unit(entry: Mapping) -> str:
    """Return a metric as "89.5 % [86.5, 91.9]"."""
    number, bracket, rest = percent(entry).partition(" [")
    return f"{number} %{bracket}{rest}" if bracket else number


def listed(names: Sequence[str]) -> str:
    """Return "a, b and c"."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
