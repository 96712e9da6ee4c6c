"""Modules that are imported at their first use, so that the table of networks needs no Keras.

A family holds its rows and its builder in one file, and `covid-keras models` reads all rows.
"""

import importlib
from typing import Any


class LazyModule:
    """Stand in for the module `name`, and import it when an attribute is first read."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(importlib.import_module(self._name), attribute)


keras = LazyModule("keras")
layers = LazyModule("keras.layers")
tf = LazyModule("tensorflow")
own_layers = LazyModule("covid_keras.models.layers")
batchnorm = LazyModule("covid_keras.models.batchnorm")
grouped = LazyModule("covid_keras.models.grouped")
heads = LazyModule("covid_keras.models.heads")
hub_layer = LazyModule("covid_keras.models.hub_layer")
