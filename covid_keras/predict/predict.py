"""Class probabilities of images, slices and patients, by a run or by an exported network."""

import logging
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from covid_keras.datasets.levels import warn_of_levels
from covid_keras.predict.answer_file import check_out
from covid_keras.predict.answers import answer
from covid_keras.predict.dicom_out import check_dicom_out, write_dicom
from covid_keras.predict.entries import EntrySamples, samples_of
from covid_keras.predict.inputs import find_entries
from covid_keras.predict.model import Model, load_model
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import is_empty
from covid_keras.utils.progress import progress

_log = logging.getLogger(__name__)


def predict(
    model: str | os.PathLike,
    inputs: str | Path | Iterable[str | Path],
    *,
    out: str | Path | None = None,
    gradcam: str | Path | None = None,
    dicom_out: str | Path | None = None,
    overwrite: bool = False,
) -> pd.DataFrame:
    """Predict class probabilities of images, and of patients from their images.

    An image that cannot be read gets a row that says why; all others are answered. Probabilities
    are scaled with the run's temperature; with two classes its threshold decides.

    Args:
        model: a run folder, the model.keras in one, or an export folder of any format.
        inputs: a path or paths: images, DICOM files, NIfTI and MHA volumes, folders of them, and
            ZIP files of images and DICOM files; each image counts once.
        out: the file to write, .csv (patients go to NAME_patients.csv beside it) or .jsonl; rows
            are written as they come, to NAME.partial until all are there. None for none.
        gradcam: folder to write one Grad-CAM picture per image into; None for none.
        dicom_out: folder to write a DICOM structured report and a key image into, of each answered
            patient and study of DICOM images; None for none. Both name the patient, as the images.
        overwrite: replace `out` and pictures that exist.

    Returns:
        One row per image or slice: image (absolute path, and the member of a ZIP file or slice of a
        volume), patient and study (pseudonyms of PatientID and StudyInstanceUID), series, view,
        source (the input it was found in), status ("answered", perhaps with a warning, or "not
        answered: " and why), predicted (class), one float32 column per class, and run, version,
        stamps and tests, the evidence behind the answer. `attrs["patients"]` is a list with a dict
        for each patient and study: its scores by the run's patient rule.

    Raises:
        InputError: `model` is none of these, an input does not exist, a file exists and
            `overwrite` is not given, or a Grad-CAM of an exported network is asked for.

    Example:
        >>> import covid_keras
        >>> table = covid_keras.predict(run, images / "000.png")
        >>> table[["status", "predicted"]].to_numpy().tolist()
        [['answered', 'dark']]
    """
    places = (out, gradcam, dicom_out)
    out, gradcam, dicom_out = (None if path is None else Path(path) for path in places)
    if out is not None:
        check_out(out, overwrite)
    for folder, option in ((gradcam, "--gradcam"), (dicom_out, "--dicom-out")):
        if folder is not None:
            check_folder(folder, option, overwrite)
    if dicom_out is not None:
        check_dicom_out()
    loaded = load_model(Path(model), layers=gradcam is not None)
    entries = find_entries([inputs] if isinstance(inputs, str | Path) else inputs)
    for stamp in loaded.stamps:
        _log.info("!! %s", stamp)
    if loaded.evidence.operating_point is None:
        _log.info("no operating point: threshold 0.5, temperature 1, mean over a patient's images")
    if loaded.input_check is None:
        _log.info("no input check: images that the network cannot know are answered too")
    samples = samples_of(entries, loaded)
    warn_of_levels(samples.images, Path(), samples.levels)
    table = answer(loaded, samples, out)
    if gradcam is not None:
        _draw(gradcam, loaded, samples, table)
    if dicom_out is not None:
        write_dicom(dicom_out, loaded, samples, table)
    return table


def check_folder(folder: Path, option: str, overwrite: bool) -> None:
    """Raise InputError where a folder to write into is a file, or not empty."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: expected a folder for {option}. Received: a file")
    if folder.exists() and not (is_empty(folder) or overwrite):
        raise InputError(f"{folder}: holds files already; give another {option}, or --overwrite")


def _draw(folder: Path, model: Model, samples: EntrySamples, table: pd.DataFrame) -> None:
    """Write one Grad-CAM picture for each answered sample, with its answer in the table."""
    # These import Matplotlib: only when asked.
    from covid_keras.explain.explained import explain_samples, file_stem, overlay
    from covid_keras.explain.maps import Explainer
    from covid_keras.figures.canvas import save

    trained = model.trained
    answered = np.flatnonzero(table["predicted"] != "").tolist()
    explainer = Explainer(trained.network)
    with progress("Grad-CAM", total=len(answered)) as bar:
        for each in explain_samples(explainer, trained.preprocessing, samples, answered):
            name = table["predicted"][each.index]
            probability = float(table[name][each.index])
            panel = replace(each.panel, predicted=name, probability=probability)
            picture = overlay(replace(each, panel=panel), "Grad-CAM", samples, trained.stamps)
            save(picture, folder / f"{file_stem(each)}.png", formats=("png",))
            bar.update(1)
