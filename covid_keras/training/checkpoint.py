"""Save a training state in one .npz file: every variable by name, and a JSON note.

It holds what an exact resume needs: weights, optimiser slots and step counter, and the states of
the random streams. Nothing is pickled.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
from keras import ops

from covid_keras.models.weights.readers import UNREADABLE, read_npz
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import atomic_path
from covid_keras.utils.shape import check_shape

NOTE = "note"


def save_checkpoint(path: Path, model: keras.Model, note: dict) -> None:
    """Write all variables of `model`, its optimiser's included, and `note` (JSON values)."""
    arrays = {name: ops.convert_to_numpy(value) for name, value in _variables(model).items()}
    arrays[NOTE] = np.frombuffer(json.dumps(note).encode(), np.uint8)
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)


def load_checkpoint(path: Path, model: keras.Model) -> dict:
    """Assign the variables that `save_checkpoint` wrote to `model`, and return the note.

    Raises:
        InputError: the file is missing or damaged, or belongs to another model.
    """
    variables = _variables(model)
    arrays = _read(path, lambda name: True)
    note = _note(path, arrays.pop(NOTE, None))
    shapes = {name: tuple(variable.shape) for name, variable in variables.items()}
    for name in sorted(variables.keys() | arrays.keys()):
        received = arrays[name].shape if name in arrays else None
        if shapes.get(name) != received:
            raise InputError(
                f"{path}: checkpoint of another model: {name}: expected {shapes.get(name)}."
                f" Received: {received}"
            )
    for name, variable in variables.items():
        variable.assign(arrays[name])
    return note


def read_note(path: Path) -> dict:
    """Read only the note of a checkpoint. Raises InputError as `load_checkpoint`."""
    return _note(path, _read(path, NOTE.__eq__).get(NOTE))


def _read(path: Path, wanted: Callable[[str], bool]) -> dict[str, np.ndarray]:
    try:
        return read_npz(path, wanted)
    except UNREADABLE as error:
        raise InputError(f"{path}: cannot read checkpoint: {error}") from None


def _note(path: Path, stored: np.ndarray | None) -> dict:
    """Return the note of a checkpoint: a JSON object, with the step."""
    try:
        note = json.loads(stored.tobytes())
    except (AttributeError, ValueError):
        note = None
    if not isinstance(note, dict):
        raise InputError(f"{path}: cannot read checkpoint: expected a JSON object in its note")
    check_shape(note, {"step": int}, f"{path}, note")
    return note


def _variables(model: keras.Model) -> dict[str, keras.Variable]:
    """Return the variables by position and name, without the numbers that Keras adds to names."""
    metrics = {id(variable) for variable in model.metrics_variables}
    variables = [v for v in model.variables if id(v) not in metrics]
    if getattr(model, "optimizer", None):
        variables += model.optimizer.variables
    names = [re.sub(r"_\d+", "", variable.name) for variable in variables]
    return {f"{n:04}.{name}": v for n, (name, v) in enumerate(zip(names, variables, strict=True))}
