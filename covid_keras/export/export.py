"""Write a trained network as an export folder.

The folder holds the network in one format, and covid_keras.json: what is needed to use it.
"""

import logging
import os
from pathlib import Path

from covid_keras.export import INT8
from covid_keras.export.load import format_module
from covid_keras.export.notes import Notes, is_export, write_notes
from covid_keras.export.readme import write_readme
from covid_keras.runs.evidence import evidence
from covid_keras.runs.inference import Trained, load_trained
from covid_keras.runs.input_check_file import read_input_check, write_input_check
from covid_keras.utils.backend import need_tensorflow
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import atomic_folder, is_empty

_log = logging.getLogger(__name__)


def export(
    model: str | os.PathLike,
    out: str | os.PathLike,
    *,
    format: str = "savedmodel",
    int8: bool = False,
    overwrite: bool = False,
) -> Path:
    """Write the network of a run for other programs.

    Every format runs the graph that `evaluate` and `predict` run: the folded network, with
    normalisation before it and probabilities behind it, in float32 also where the run was trained
    with mixed precision. Before it is kept, it is loaded in a fresh process and compared with the
    network on val images.

    Args:
        model: a trained run, its folder, or the model.keras in it.
        out: the folder to write.
        format: savedmodel (takes PNG and JPEG files, or pixels), openvino, onnx or litert (take
            pixels: images that are cropped and resized already).
        int8: compute in eight bits (openvino, litert), calibrated on train; refused if the macro
            AUC on val falls by 0.005 or more.
        overwrite: replace an earlier export in `out`.

    Returns:
        `out`.

    Raises:
        InputError: an unknown format, a package that is not installed, no finished run, an `out`
            that exists or cannot be written, or answers that differ from the run's by more than
            0.0001, or an AUC that falls too far; nothing is kept then.

    Example:
        >>> import covid_keras
        >>> (covid_keras.export(run, out) / "saved_model.pb").exists()
        True
    """
    need_tensorflow("export", "the run folder can be exported there as it is")
    check_out(Path(out), overwrite)
    return write_export(load_trained(Path(model), "float32"), Path(out), format, int8)


def check_out(out: Path, overwrite: bool) -> None:
    """Raise InputError where an export cannot go, before the network is loaded or trained."""
    if out.exists() and not (out.is_dir() and is_empty(out)):
        if not is_export(out):
            raise InputError(f"{out}: exists and is not an exported model; give another folder")
        if not overwrite:
            raise InputError(f"{out}: holds an export already; give another folder, or --overwrite")


def write_export(trained: Trained, out: Path, format: str, int8: bool = False) -> Path:
    """Write the network in this format, its notes and README.md as `out`, in place of another.

    Raises:
        InputError: see `export`.
    """
    import tensorflow as tf  # not at the top: on JAX this module refuses in one line

    from covid_keras.export.check import check_export
    from covid_keras.export.int8 import calibration_images, check_int8

    writer = format_module(format, "--format")
    if int8 and format not in INT8:
        raise InputError(f"--int8: expected --format {' or '.join(INT8)}. Received: {format}")
    calibration = (calibration_images(trained),) if int8 else ()
    refused, full = tf.errors.PermissionDeniedError, tf.errors.ResourceExhaustedError
    with atomic_folder(out) as folder:
        try:
            writer.write(trained, folder, *calibration)
        except (refused, full, tf.errors.OutOfRangeError) as error:
            raise InputError(f"{out}: cannot write: {' '.join(error.message.split())}") from error
        named = tuple(trained.classes), tuple(trained.stamps)
        precision = "int8" if int8 else "float32"
        notes = Notes(format, trained.recipe, *named, evidence(trained.run), precision)
        write_notes(folder, notes, trained.network.get_layer("features").output.shape[-1])
        if trained.run and (check := read_input_check(trained.run.path)):
            write_input_check(folder, check)
        write_readme(folder, notes, writer.EXAMPLE)
        checked = (check_int8 if int8 else check_export)(folder, trained)
    _log.info("%s: %s", out, checked)
    return out
