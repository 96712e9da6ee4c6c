"""Load an export folder; OpenVINO and ONNX without TensorFlow."""

from importlib import import_module
from pathlib import Path
from types import ModuleType

from covid_keras.export import FORMATS, WITHOUT_TENSORFLOW, Predictor
from covid_keras.export.notes import Notes, read_notes
from covid_keras.utils.backend import import_keras, need_tensorflow
from covid_keras.utils.errors import InputError


def load_export(folder: Path) -> tuple[Notes, Predictor]:
    """Load the notes of an export folder, and a function from pixels to probabilities and features.

    The pixels are float32 (N, h, w, 1) in [0, 255], cropped and resized already; see `Outputs`.

    Raises:
        InputError: damaged notes or network, an unknown format, a package that is not installed,
            or a format that needs TensorFlow under another backend.
    """
    notes = read_notes(folder)
    if notes.format not in WITHOUT_TENSORFLOW:
        need_tensorflow(f"{folder}: a network in this format", "or give the run folder")
        import_keras()  # TensorFlow, without its notices
    runtime = format_module(notes.format, f"{folder}: format")
    try:
        return notes, runtime.load(folder)
    except InputError:
        raise
    except Exception as error:  # each runtime has errors of its own
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{folder}: cannot be loaded as {notes.format}: {reason}") from error


def format_module(format: str, where: str) -> ModuleType:
    """Return the module of a format. Raises InputError, beginning with `where`, for others."""
    if format not in FORMATS:
        raise InputError(f"{where}: expected {', '.join(FORMATS)}. Received: {format!r}")
    return import_module(f"covid_keras.export.{format}")
