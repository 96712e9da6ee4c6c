"""The training step, its schedule and the loop around it. Loaded when first used."""

import importlib

_HOME = {"LAMB": "lamb", "WarmupStepDecay": "schedule"}
__all__ = ["LAMB", "WarmupStepDecay"]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
