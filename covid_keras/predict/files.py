"""Class probabilities of new files, by a run or by an exported SavedModel."""

from pathlib import Path

import cv2
import numpy as np

from covid_keras.images.read import read_image
from covid_keras.recipes import config
from covid_keras.runs.inference import load_trained, probabilities, records_of_files
from covid_keras.runs.predictions import write_predictions
from covid_keras.utils.backend import need_tensorflow
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import make_folder, read_json_value
from covid_keras.utils.progress import progress

SAVEDMODEL_NOTES = "covid_keras.json"
"""Recipe, classes and stamps, beside an exported SavedModel's own files."""
BATCH = 16


def predict_files(model: Path, inputs: list[Path], out: Path, gradcam: Path | None) -> int:
    """Write one row of probabilities for every image; returns how many.

    Args:
        model: a run folder, the model.keras in one, or a SavedModel folder of ours.
        inputs: images, DICOM files, and folders of them.
        out: the CSV file.
        gradcam: folder for one Grad-CAM picture an image, or None.

    Raises:
        InputError: `model` is none of these, or an input is missing or unreadable.
    """
    make_folder(out.parent)
    records = records_of_files(inputs)
    if (model / "saved_model.pb").exists():
        if gradcam is not None:
            raise InputError(f"{model}: Grad-CAM needs the run folder; a SavedModel has no layers")
        classes, outputs = _by_savedmodel(model, records["image"].tolist())
    else:
        trained = load_trained(model)
        classes = trained.classes
        slices = trained.slices(records, Path())
        outputs = probabilities(trained, slices)
        if gradcam is not None:
            _draw(gradcam, trained, slices)
    write_predictions(out, records, outputs, classes)
    return len(records)


def _by_savedmodel(model: Path, images: list[str]) -> tuple[tuple[str, ...], np.ndarray]:
    """Probabilities (N, K) from the endpoint that takes encoded images."""
    need_tensorflow(f"{model}: a SavedModel", "or give the run folder")
    import tensorflow as tf

    notes = model / SAVEDMODEL_NOTES
    window = config.from_json(read_json_value(notes, "recipe"), str(notes)).input.window
    classes = tuple(read_json_value(notes, "classes"))
    loaded = tf.saved_model.load(model)
    outputs = []
    with progress("predict", total=len(images)) as bar:
        for first in range(0, len(images), BATCH):
            encoded = [_encoded(Path(image), window) for image in images[first : first + BATCH]]
            outputs.append(loaded.serve(tf.constant(encoded))["probabilities"].numpy())
            bar.update(len(encoded))
    return classes, np.concatenate(outputs)


def _encoded(path: Path, window: tuple[float, float]) -> bytes:
    """The file as the endpoint takes it, after the reader has found it sound."""
    image = read_image(path, window)
    return cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()


def _draw(folder: Path, trained, slices) -> None:
    from covid_keras.explain.rows import explain_slices
    from covid_keras.figures.panels import gradcam_rows

    with progress("Grad-CAM", total=len(slices)) as bar:
        for first in range(0, len(slices), BATCH):
            numbers = range(first, min(first + BATCH, len(slices)))
            panels = explain_slices(trained.network, trained.preprocessing, slices, numbers)
            for index, panel in zip(numbers, panels, strict=True):
                path = folder / f"{index:04}_{Path(panel.name).stem}.png"
                gradcam_rows(path, {"not known": [panel]}, trained.stamps)
                bar.update()
