"""Class probabilities of image files, by a run or by an exported network."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from covid_keras.export.export import load_export
from covid_keras.export.notes import is_export
from covid_keras.pipeline.samples import Samples
from covid_keras.predict.inputs import records_of_files, samples_of
from covid_keras.runs.inference import Trained, load_trained, probabilities
from covid_keras.runs.predictions_file import write_predictions
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import make_folder
from covid_keras.utils.progress import progress

BATCH = 16


def predict(
    model: str | os.PathLike,
    inputs: str | Path | Iterable[str | Path],
    *,
    out: str | Path | None = None,
    gradcam: str | Path | None = None,
) -> pd.DataFrame:
    """Predict class probabilities of image files.

    Args:
        model: a run folder, the model.keras in one, or an export folder of any format.
        inputs: a path or paths: images, DICOM files, and folders of them.
        out: CSV file to write, one row per image; None for none.
        gradcam: folder to write one Grad-CAM picture per image into; None for none.

    Returns:
        One row per image: "image", the absolute path, and one float32 column per class.

    Raises:
        InputError: `model` is none of these, an input is missing or unreadable, or a Grad-CAM of
            an exported network is asked for.

    Example:
        >>> import covid_keras
        >>> covid_keras.predict(run, images / "000.png").columns.tolist()
        ['image', 'bright', 'dark']
    """
    model = Path(model)
    if not model.exists():
        raise InputError(f"{model}: expected a run folder or an export. Received: no such file")
    if out is not None:
        make_folder(Path(out).parent)
    inputs = [inputs] if isinstance(inputs, str | Path) else inputs
    if is_export(model):
        if gradcam is not None:
            raise InputError(f"{model}: Grad-CAM needs the run folder; an export has no layers")
        source, network = load_export(model)
        records = records_of_files(inputs)
        samples = samples_of(records, source.recipe)
        pixels = (
            np.stack([samples.read(number) for number in numbers])[..., None].astype("float32")
            for numbers in _batches("predict", len(samples))
        )
        outputs = np.concatenate([network(batch) for batch in pixels])
    else:
        source = load_trained(model)
        records = records_of_files(inputs)
        samples = source.samples(records, Path())
        outputs = probabilities(source, samples)
        if gradcam is not None:
            _draw(Path(gradcam), source, samples)
    if out is not None:
        write_predictions(out, records, outputs, source.classes)
    columns = dict(zip(source.classes, outputs.T, strict=True))
    return pd.DataFrame({"image": records["image"], **columns})


def _draw(folder: Path, trained: Trained, samples: Samples) -> None:
    """Write one Grad-CAM picture for each sample."""
    # These import Matplotlib: only when asked.
    from covid_keras.explain.run_figures import explain_samples
    from covid_keras.figures.canvas import save
    from covid_keras.figures.panels import gradcam_rows

    for numbers in _batches("Grad-CAM", len(samples)):
        panels = explain_samples(trained.network, trained.preprocessing, samples, numbers)
        for index, panel in zip(numbers, panels, strict=True):
            path = folder / f"{index:04}_{Path(panel.name).stem}.png"
            save(gradcam_rows({"not known": [panel]}, trained.stamps), path, formats=("png",))


def _batches(label: str, count: int) -> Iterator[range]:
    """Yield the numbers of each batch; a bar named `label` counts them."""
    with progress(label, total=count) as bar:
        for first in range(0, count, BATCH):
            numbers = range(first, min(first + BATCH, count))
            yield numbers
            bar.update(len(numbers))
