"""The checks of an audit, one function each; every one defined in this folder is used."""

import importlib
import pkgutil

from covid_keras.audit.check import Check


def all_checks() -> list[Check]:
    """Import the modules of this folder and return their checks."""
    names = [module.name for module in pkgutil.iter_modules(__path__, f"{__name__}.")]
    modules = [importlib.import_module(name) for name in names]
    return [item for module in modules for item in vars(module).values() if isinstance(item, Check)]
