"""The checks of an audit, one class each; every `Check` defined in this folder is used."""

import importlib
import pkgutil

from covid_keras.audit.check import Check


def all_checks() -> list[Check]:
    """Import the modules of this folder and return an instance of each of their checks."""
    names = [module.name for module in pkgutil.iter_modules(__path__, f"{__name__}.")]
    return [
        item()
        for name in names
        for item in vars(importlib.import_module(name)).values()
        if isinstance(item, type) and issubclass(item, Check) and item.__module__ == name
    ]
