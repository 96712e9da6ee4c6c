"""COVID-19 classifiers for chest CT and X-ray by transfer learning. Not a medical device.

The public names below are imported when they are first used. `X as X` marks them as public for
type checkers.
"""

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from covid_keras.api.audit import audit as audit
    from covid_keras.api.compare import compare as compare
    from covid_keras.api.describe import describe as describe
    from covid_keras.api.ensemble import ensemble as ensemble
    from covid_keras.api.evaluate import evaluate as evaluate
    from covid_keras.api.explain import explain as explain
    from covid_keras.api.measure import measure as measure
    from covid_keras.api.plan import plan as plan
    from covid_keras.api.report import report as report
    from covid_keras.api.train import train as train
    from covid_keras.datasets.records import load_records as load_records
    from covid_keras.datasets.splits import make_split as make_split
    from covid_keras.explain.maps import gradcam as gradcam
    from covid_keras.export.export import export as export
    from covid_keras.images.read import read_image as read_image
    from covid_keras.models.create import (
        create_backbone as create_backbone,
    )
    from covid_keras.models.create import (
        create_model as create_model,
    )
    from covid_keras.models.registry import list_models as list_models
    from covid_keras.predict.pixels import batches as batches
    from covid_keras.predict.pixels import preprocess as preprocess
    from covid_keras.predict.predict import predict as predict
    from covid_keras.runs.run import Run as Run
    from covid_keras.training.lamb import LAMB as LAMB
    from covid_keras.training.schedule import WarmupStepDecay as WarmupStepDecay

__version__ = "0.2.0"

_KERAS = {
    "evaluate": "api.evaluate",
    "explain": "api.explain",
    "export": "export.export",
    "train": "api.train",
    "create_backbone": "models.create",
    "create_model": "models.create",
    "gradcam": "explain.maps",
    "LAMB": "training.lamb",
    "WarmupStepDecay": "training.schedule",
}
"""{public name that needs Keras: module}."""
_MODULES = _KERAS | {
    "audit": "api.audit",
    "compare": "api.compare",
    "describe": "api.describe",
    "ensemble": "api.ensemble",
    "list_models": "models.registry",
    "measure": "api.measure",
    "load_records": "datasets.records",
    "make_split": "datasets.splits",
    "batches": "predict.pixels",
    "plan": "api.plan",
    "predict": "predict.predict",
    "preprocess": "predict.pixels",
    "read_image": "images.read",
    "report": "api.report",
    "Run": "runs.run",
}

__all__ = sorted(_MODULES)


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in _KERAS:
        from covid_keras.utils.backend import import_keras as import_keras

        import_keras()
    value = getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*globals(), *_MODULES]


class _Package(ModuleType):
    """Keeps public functions apart from rooms of the same name, such as `export`."""

    def __setattr__(self, name: str, value: object) -> None:
        """Set an attribute, but not a room that the import system sets over a public name."""
        if not (name in _MODULES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
