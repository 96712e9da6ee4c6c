"""Write a trained network as an export folder, and load one.

The folder holds the network in one format, and covid_keras.json: what is needed to use it.
"""

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np

from covid_keras.export import FORMATS
from covid_keras.recipes import config
from covid_keras.runs.inference import Trained, load_trained
from covid_keras.utils.backend import need_tensorflow
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import atomic_folder, is_empty, read_json_value, write_json

_FILE = "covid_keras.json"


@dataclass(frozen=True)
class Notes:
    """How to feed an exported network and how to read its answer."""

    format: str
    """One of `export.FORMATS`."""
    recipe: config.Recipe
    classes: tuple[str, ...]
    """Class names in the order of the network's columns."""
    stamps: tuple[str, ...]


def export(
    model: str | os.PathLike,
    out: str | os.PathLike,
    *,
    format: str = "savedmodel",
    overwrite: bool = False,
) -> Path:
    """Write the network of a run for other programs.

    Every format runs the graph that `evaluate` and `predict` run: the folded network, with
    normalisation before it and probabilities behind it.

    Args:
        model: a trained run, its folder, or the model.keras in it.
        out: the folder to write.
        format: savedmodel (takes PNG and JPEG files, or pixels), openvino, onnx or litert (take
            pixels: images that are cropped and resized already).
        overwrite: replace an earlier export in `out`.

    Returns:
        `out`.

    Raises:
        InputError: an unknown format, a package that is not installed, no finished run, or an
            `out` that exists or cannot be written.

    Example:
        >>> import covid_keras
        >>> (covid_keras.export(run, out) / "saved_model.pb").exists()
        True
    """
    need_tensorflow("export", "the run folder can be exported there as it is")
    check_out(Path(out), overwrite)
    return write_export(load_trained(Path(model)), Path(out), format)


def check_out(out: Path, overwrite: bool) -> None:
    """Raise InputError where an export cannot go, before the network is loaded or trained."""
    if out.exists() and not (out.is_dir() and is_empty(out)):
        if not is_export(out):
            raise InputError(f"{out}: exists and is not an exported model; give another folder")
        if not overwrite:
            raise InputError(f"{out}: holds an export already; give another folder, or --overwrite")


def write_export(trained: Trained, out: Path, format: str) -> Path:
    """Write the network in this format, and its notes, as the folder `out`, in place of another."""
    import tensorflow as tf  # not at the top: `predict` imports this module without TensorFlow

    writer = _module(format, "--format")
    refused, full = tf.errors.PermissionDeniedError, tf.errors.ResourceExhaustedError
    with atomic_folder(out) as folder:
        try:
            writer.write(trained, folder)
        except (refused, full, tf.errors.OutOfRangeError) as error:
            raise InputError(f"{out}: cannot write: {' '.join(error.message.split())}") from error
        notes = Notes(format, trained.recipe, tuple(trained.classes), tuple(trained.stamps))
        write_notes(folder, notes)
    return out


def load_export(folder: Path) -> tuple[Notes, Callable[[np.ndarray], np.ndarray]]:
    """Load the notes of an export folder, and a function from pixels to probabilities.

    The pixels are float32 (N, h, w, 1) in [0, 255], cropped and resized already; probabilities
    are float32 (N, K). Raises InputError for damaged notes, an unknown format, or a package that
    is not installed.
    """
    need_tensorflow(f"{folder}: an exported network", "or give the run folder")
    notes = read_notes(folder)
    return notes, _module(notes.format, f"{folder}: format").load(folder)


def _module(format: str, where: str) -> ModuleType:
    if format not in FORMATS:
        raise InputError(f"{where}: expected {', '.join(FORMATS)}. Received: {format!r}")
    return import_module(f"covid_keras.export.{format}")


def is_export(folder: Path) -> bool:
    """Return whether `folder` holds an exported network, of any format."""
    return (folder / _FILE).is_file()


def write_notes(folder: Path, notes: Notes) -> None:
    """Write the notes, and the shapes of the endpoint that takes pixels."""
    shape = [None, *config.height_width(notes.recipe.input.crop), 1]
    endpoint = {
        "input": {"name": "images", "shape": shape, "dtype": "float32"},
        "input_range": [0, 255],
        "output": {"name": "probabilities", "shape": [None, len(notes.classes)]},
    }
    write_json(folder / _FILE, asdict(notes) | endpoint)


def read_notes(folder: Path) -> Notes:
    """Read the notes. Raises InputError if they are damaged."""
    file = folder / _FILE
    recipe = config.from_json(read_json_value(file, "recipe"), str(file))
    classes, stamps = (tuple(read_json_value(file, key)) for key in ("classes", "stamps"))
    return Notes(read_json_value(file, "format"), recipe, classes, stamps)
