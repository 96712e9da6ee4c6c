"""Class probabilities of image files, by a run or by an exported network."""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from covid_keras.export.export import load_export
from covid_keras.export.notes import is_export
from covid_keras.models import registry
from covid_keras.pipeline.samples import Samples
from covid_keras.predict.answers import answers, check_out, check_pictures, write_answers
from covid_keras.predict.inputs import records_of_files, samples_of
from covid_keras.runs.inference import Trained, load_trained, probabilities
from covid_keras.utils.errors import InputError
from covid_keras.utils.progress import progress

BATCH = 16


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
        records = records_of_files(inputs)
        samples = samples_of(records, source)
        pixels = (
            np.stack([samples.read(number) for number in numbers])[..., None].astype("float32")
            for numbers in _batches("predict", range(len(samples)))
        )
        outputs = np.concatenate([network(batch) for batch in pixels])
    else:
        source = load_trained(model)
        name = source.recipe.model.name
        if gradcam is not None and not registry.get(name).gradcam_layer:
            raise InputError(registry.NO_FEATURE_MAP.format(name))
        records = records_of_files(inputs)
        samples = samples_of(records, source)
        outputs = probabilities(source, samples)
    table = answers(records, outputs, source.classes, samples.problems)
    if out is not None:
        write_answers(out, table, source.classes)
    if gradcam is not None:
        _draw(gradcam, source, samples)
    return table


def _draw(folder: Path, trained: Trained, samples: Samples) -> None:
    """Write one Grad-CAM picture for each sample that could be read."""
    # These import Matplotlib: only when asked.
    from covid_keras.explain.run_figures import explain_samples
    from covid_keras.figures.canvas import save
    from covid_keras.figures.panels import gradcam_rows

    readable = [index for index in range(len(samples)) if index not in samples.problems]
    for numbers in _batches("Grad-CAM", readable):
        panels = explain_samples(trained.network, trained.preprocessing, samples, numbers)
        for index, panel in zip(numbers, panels, strict=True):
            path = folder / f"{index:04}_{Path(panel.name).stem}.png"
            save(gradcam_rows({"not known": [panel]}, trained.stamps), path, formats=("png",))


def _batches(label: str, indices: Sequence[int]) -> Iterator[Sequence[int]]:
    """Yield the indices of each batch; a bar named `label` counts them."""
    with progress(label, total=len(indices)) as bar:
        for first in range(0, len(indices), BATCH):
            batch = indices[first : first + BATCH]
            yield batch
            bar.update(len(batch))
