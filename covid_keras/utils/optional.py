"""Packages that only some commands need."""

import importlib.util

from covid_keras.utils.errors import InputError


def need(package: str, what: str, extra: str, instead: str = "") -> None:
    """Raise InputError, beginning with `what` needs it, if `package` is not installed.

    Args:
        extra: the extra of covid-keras that installs it; "" for the package itself.
        instead: what else can be done.
    """
    if importlib.util.find_spec(package) is None:
        source = f"'covid-keras[{extra}]'" if extra else f"'{package}'"
        advice = f"pip install {source}{instead and f', or {instead}'}"
        raise InputError(
            f"{what}: expected the package {package}: {advice}. Received: not installed"
        )
