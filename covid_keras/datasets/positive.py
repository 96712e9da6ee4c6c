"""The positive class: the one that PPV, NPV, thresholds and prevalence are of; the last output."""

import logging
import re
from collections.abc import Sequence

from covid_keras.datasets import catalogue
from covid_keras.utils.errors import InputError
from covid_keras.utils.text import near_misses

_ILL = frozenset({"covid", "ncp", "pneumonia", "positive"})
_NOT = frozenset({"healthy", "neg", "negative", "no", "non", "normal", "not", "without"})
"""Whole words of a class name, of letters alone: "COVID-19" and "covid19" say "covid"."""

_log = logging.getLogger(__name__)


def positive_class(dataset: str, classes: Sequence[str], named: str = "") -> str:
    """Return the positive class, "" if three classes of one's own or more do not say which it is.

    Args:
        dataset: a name of the catalogue; the last class of a published set is its positive one.
        classes: of the data set.
        named: by the user, "" if not.

    Raises:
        InputError: no such class; or neither or both of two classes of one's own say by a whole
            word (covid, positive, pneumonia) that they are the positive one.

    Example:
        >>> positive_class("folder", ("COVID", "NonCOVID"))
        'COVID'
    """
    if named:
        if named not in classes:
            hint = near_misses(named, classes)
            raise InputError(f"data.positive: {named!r} is no class of {dataset}; {hint}")
        return named
    if catalogue.get(dataset).classes:
        return classes[-1]
    found = [name for name in classes if _says_positive(name)]
    if len(found) == 1:
        _log.info("positive class: %s, by its name; --positive names another", found[0])
        return found[0]
    if len(classes) > 2:
        return ""
    raise InputError(
        f"positive class: expected --positive CLASS (data.positive), as"
        f" {'both names say' if found else 'no name says'} which it is."
        f" Received: the classes {' and '.join(classes)}"
    )


def positive_last(classes: Sequence[str], positive: str) -> tuple[str, ...]:
    """Return the classes with the positive one last, unchanged if it is ""."""
    return (*(name for name in classes if name != positive), *filter(None, [positive]))


def _says_positive(name: str) -> bool:
    words = set(re.findall(r"[a-z]+", name.lower()))
    return bool(words & _ILL) and not words & _NOT
