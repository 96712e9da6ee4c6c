"""Class probabilities of image files, by a run or by an exported network.

The answers are one row per image, as a table, CSV or JSON lines.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from covid_keras.datasets.levels import warn_of_levels
from covid_keras.export.load import load_export
from covid_keras.export.notes import is_export
from covid_keras.models import registry
from covid_keras.pipeline.samples import Samples
from covid_keras.predict.inputs import TolerantSamples, records_of_files
from covid_keras.runs.run import Run
from covid_keras.utils.backend import import_keras
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import is_empty, make_folder, write_text
from covid_keras.utils.progress import progress
from covid_keras.utils.text import csv_text

if TYPE_CHECKING:
    from covid_keras.runs.inference import Trained

BATCH = 16
FORMATS = (".csv", ".jsonl")
KNOWN = ("image", "patient", "source")
"""Columns of the records that the answers keep."""

_log = logging.getLogger(__name__)


def predict(
    model: str | os.PathLike,
    inputs: str | Path | Iterable[str | Path],
    *,
    out: str | Path | None = None,
    gradcam: str | Path | None = None,
    overwrite: bool = False,
) -> pd.DataFrame:
    """Predict class probabilities of image files.

    An image that cannot be read gets a row without an answer; all others are answered.

    Args:
        model: a run folder, the model.keras in one, or an export folder of any format.
        inputs: a path or paths: images, DICOM files, and folders of them; each image counts once.
        out: the file to write, .csv or .jsonl, one line per image; None for none.
        gradcam: folder to write one Grad-CAM picture per image into; None for none.
        overwrite: replace `out` and pictures that exist.

    Returns:
        One row per image: image (absolute path), patient (pseudonym of a DICOM file's PatientID,
        "" where unknown), source (the input it was found in), predicted (class), one float32
        column per class, and problem: why it has no answer, "" for all others.

    Raises:
        InputError: `model` is none of these, an input does not exist, a file exists and
            `overwrite` is not given, or a Grad-CAM of an exported network is asked for.

    Example:
        >>> import covid_keras
        >>> table = covid_keras.predict(run, images / "000.png")
        >>> table.columns.tolist()
        ['image', 'patient', 'source', 'predicted', 'bright', 'dark', 'problem']
    """
    model = Path(model)
    if not model.exists():
        raise InputError(f"{model}: expected a run folder or an export. Received: no such file")
    out, gradcam = (None if path is None else Path(path) for path in (out, gradcam))
    if out is not None:
        check_out(out, overwrite)
    if gradcam is not None:
        check_pictures(gradcam, overwrite)
    inputs = [inputs] if isinstance(inputs, str | Path) else inputs
    if is_export(model):
        if gradcam is not None:
            raise InputError(f"{model}: Grad-CAM needs the run folder; an export has no layers")
        source, network = load_export(model)
    else:
        source, network = _trained(model.resolve(), _state(model)), None
        reason = registry.why_no_feature_map(source.recipe.model.name, source.network)
        if gradcam is not None and reason:
            raise InputError(reason)
    for stamp in source.stamps:
        _log.info("!! %s", stamp)
    records, spec = records_of_files(inputs), source.recipe.input
    warn_of_levels(records["image"].tolist(), Path(), spec.levels)
    samples = TolerantSamples(records, Path(), source.classes, **spec.geometry(spec.crop))
    if network is None:
        from covid_keras.runs.inference import probabilities  # imports Keras

        outputs = probabilities(source, samples)
    else:
        pixels = (
            np.stack([samples.read(number) for number in numbers])[..., None].astype("float32")
            for numbers in _batches("predict", range(len(samples)))
        )
        outputs = np.concatenate([network(batch).probabilities for batch in pixels])
    table = answers(records, outputs, source.classes, samples.problems)
    if out is not None:
        write_answers(out, table, source.classes)
    if gradcam is not None:
        _draw(gradcam, source, samples)
    return table


@lru_cache(maxsize=2)
def _trained(model: Path, state: tuple) -> Trained:
    """Load a run once, for calls in a loop; `state` is other when it has changed."""
    import_keras()
    from covid_keras.runs.inference import load_trained

    return load_trained(model)


def _state(model: Path) -> tuple:
    """Return when the files of a run were written, and what it has predicted (its stamps)."""
    run = Run.of(model)
    files = (run.recipe_file, run.split_file, run.fingerprint_file, run.model_file)
    return *(file.stat().st_mtime_ns for file in files if file.exists()), *run.predicted()


def answers(
    records: pd.DataFrame, outputs: np.ndarray, classes: Sequence[str], problems: dict[int, str]
) -> pd.DataFrame:
    """Return the columns `KNOWN`, predicted, a probability per class, and problem.

    Args:
        records: of N images.
        outputs: float32 (N, K) probabilities.
        problems: {position of an image that could not be read: why}; its row has no answer.
    """
    outputs, lost = outputs.copy(), list(problems)
    outputs[lost] = np.nan
    predicted = np.asarray(classes, dtype=object)[outputs.argmax(axis=1)]
    predicted[lost] = ""
    known = records[list(KNOWN)].assign(predicted=predicted)
    columns = pd.DataFrame(outputs, known.index, classes)
    reasons = [problems.get(place, "") for place in range(len(known))]
    return pd.concat([known, columns], axis=1).assign(problem=reasons)


def check_out(out: Path, overwrite: bool) -> None:
    """Raise InputError where the answers cannot go, before anything is predicted."""
    if out.is_dir():
        raise InputError(f"{out}: expected a file to write. Received: a folder")
    if out.suffix.lower() not in FORMATS:
        expected = f"a name that ends in {' or '.join(FORMATS)}"
        raise InputError(f"{out}: expected {expected}. Received: {out.name}")
    if out.exists() and not overwrite:
        raise InputError(f"{out}: exists already; give another --out, or --overwrite")
    make_folder(out.parent)


def check_pictures(folder: Path, overwrite: bool) -> None:
    """Raise InputError where a folder for pictures is a file, or not empty."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: expected a folder for pictures. Received: a file")
    if folder.exists() and not (is_empty(folder) or overwrite):
        raise InputError(f"{folder}: holds files already; give another --gradcam, or --overwrite")


def write_answers(out: Path, table: pd.DataFrame, classes: Sequence[str]) -> None:
    """Write the table of `answers` as CSV, or as one JSON object a line, by the name's suffix."""
    if out.suffix.lower() == ".csv":
        write_text(out, csv_text(table, float_format="%.9g"))
        return
    lines = []
    for row in table.to_dict("records"):
        numbers = {name: float(f"{row.pop(name):.9g}") for name in classes}
        numbers = None if row["problem"] else numbers
        lines.append(json.dumps(row | {"probabilities": numbers}, ensure_ascii=False))
    write_text(out, "".join(f"{line}\n" for line in lines))


def _draw(folder: Path, trained: Trained, samples: Samples) -> None:
    """Write one Grad-CAM picture for each sample that could be read."""
    # These import Matplotlib: only when asked.
    from covid_keras.explain.explained import explain_samples, file_stem, overlay
    from covid_keras.explain.maps import Explainer
    from covid_keras.figures.canvas import save

    readable = [index for index in range(len(samples)) if index not in samples.problems]
    explainer = Explainer(trained.network)
    with progress("Grad-CAM", total=len(readable)) as bar:
        for each in explain_samples(explainer, trained.preprocessing, samples, readable):
            picture = overlay(each, "Grad-CAM", samples, trained.stamps)
            save(picture, folder / f"{file_stem(each)}.png", formats=("png",))
            bar.update(1)


def _batches(label: str, indices: Sequence[int]) -> Iterator[Sequence[int]]:
    """Yield the indices of each batch; a bar named `label` counts them."""
    with progress(label, total=len(indices)) as bar:
        for first in range(0, len(indices), BATCH):
            batch = indices[first : first + BATCH]
            yield batch
            bar.update(len(batch))
