"""From label files, folders and DICOM to records, splits and batches.

The names below are loaded when they are first used: `covid-keras data list` needs none of them.
"""

import importlib

_HOME = {
    "load_records": "records",
    "classes_of": "records",
    "image_root": "records",
    "renamed": "records",
    "told_apart": "records",
    "make_split": "splits",
}
__all__ = ["classes_of", "image_root", "load_records", "make_split", "renamed", "told_apart"]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
