"""Read and write input_check.npz: what images of a run's network are compared with.

It lies in the run folder and in every export of it. Nothing is pickled.
"""

import json
import zipfile
import zlib
from dataclasses import fields
from pathlib import Path

import numpy as np

from covid_keras.images.appearance import TURNED
from covid_keras.metrics.input_check import DISTANCES, TONES, TURN, InputCheck, Normal
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import atomic_path
from covid_keras.utils.shape import check_shape

FILE = "input_check.npz"
_NOTE = "note"
_LIMITS = [*DISTANCES, TURN, *(word for low, high, _ in TONES.values() for word in (low, high))]
_SHAPE = {"images": int, "false_alarms": float, "limits": dict.fromkeys(_LIMITS, float)}
_ARRAYS = [field.name for field in fields(Normal)]
_MAX_BYTES = 2**26
_DAMAGED = (
    *(OSError, EOFError, ValueError, LookupError, AttributeError, TypeError, MemoryError),
    *(zipfile.BadZipFile, zlib.error, NotImplementedError),
)
"""What reading a damaged archive of arrays raises."""


def write_input_check(folder: Path, check: InputCheck) -> None:
    """Write what images are compared with into a run folder, or an export."""
    arrays = {
        f"{name}_{key}": getattr(getattr(check, name), key) for name in DISTANCES for key in _ARRAYS
    }
    note = {key: getattr(check, key) for key in _SHAPE}
    arrays |= {TURN: check.turns, _NOTE: np.frombuffer(json.dumps(note).encode(), np.uint8)}
    with atomic_path(folder / FILE) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)


def read_input_check(folder: Path) -> InputCheck | None:
    """Return what `write_input_check` wrote; None if there is no such file.

    Raises:
        InputError: the file is damaged, or holds something else.
    """
    path = folder / FILE
    if not path.exists():
        return None
    try:
        arrays = _arrays(path)
        note = json.loads(arrays.pop(_NOTE).tobytes())
        normals = [_normal(arrays, name) for name in DISTANCES]
        turns = _array(arrays, TURN, (len(normals[0].mean) + 1, len(TURNED) + 1))
    except _DAMAGED as error:
        raise InputError(f"{path}: damaged: {' '.join(str(error).split())}") from None
    check_shape(note, _SHAPE, str(path))
    return InputCheck(*normals, turns, **{key: note[key] for key in _SHAPE})


def _arrays(path: Path) -> dict[str, np.ndarray]:
    """Read all arrays of an archive that is not larger than ours can be."""
    with zipfile.ZipFile(path) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
    if size > _MAX_BYTES:
        raise ValueError(f"expected at most {_MAX_BYTES:,} bytes unpacked. Received: {size:,}")
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _normal(arrays: dict[str, np.ndarray], name: str) -> Normal:
    axes = arrays[f"{name}_axes"]
    width, kept = axes.shape
    shapes = {"mean": (width,), "scale": (width,), "axes": axes.shape, "variances": (kept,)}
    parts = [_array(arrays, f"{name}_{key}", shape) for key, shape in shapes.items()]
    return Normal(*parts, float(_array(arrays, f"{name}_rest", ())))


def _array(arrays: dict[str, np.ndarray], name: str, shape: tuple[int, ...]) -> np.ndarray:
    array = arrays[name]
    if array.shape != shape or array.dtype.kind != "f" or not np.isfinite(array).all():
        kind = f"{array.dtype} {array.shape}"
        raise ValueError(f"{name}: expected finite numbers {shape}. Received: {kind}")
    return array
