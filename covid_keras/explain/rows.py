"""Grad-CAM of chosen slices, ready to be drawn as rows."""

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from covid_keras.explain.gradcam import gradcam
from covid_keras.figures.panels import GradcamPanel, gradcam_rows
from covid_keras.models.network import Preprocessing
from covid_keras.models.outputs import class_probabilities
from covid_keras.models.preprocessing import Normalise
from covid_keras.pipeline.samples import Samples


def draw_rows(
    path: Path,
    network: keras.Model,
    preprocessing: Preprocessing,
    slices: Samples,
    chosen: Sequence[int],
    stamps: Sequence[str],
    title: str,
) -> None:
    """One row a class of the chosen slices, each beside the evidence for its predicted class.

    Args:
        path: the PNG to write.
        network: normalised images to logits.
        preprocessing: of the network's weights.
        slices: at the network's input size.
        chosen: numbers of slices.
        stamps, title: what stands above the picture.
    """
    panels = explain_slices(network, preprocessing, slices, chosen)
    rows = {name: [panel for panel in panels if panel.true == name] for name in slices.classes}
    gradcam_rows(path, {name: row for name, row in rows.items() if row}, stamps, title)


def explain_slices(
    network: keras.Model, preprocessing: Preprocessing, slices: Samples, chosen: Sequence[int]
) -> list[GradcamPanel]:
    """The chosen slices with their prediction and its Grad-CAM map."""
    pixels = np.stack([slices.read(int(index)) for index in chosen])[..., None]
    normalise = Normalise(preprocessing.offset, preprocessing.scale, dtype="float32")
    images = keras.ops.convert_to_numpy(normalise(pixels))
    logits = network(images, training=False)
    probabilities = keras.ops.convert_to_numpy(class_probabilities(logits))
    predicted = probabilities.argmax(axis=1)
    maps = gradcam(network, images, predicted.tolist())
    names = [*slices.classes, ""]
    return [
        GradcamPanel(
            image=pixels[row, ..., 0],
            heat=maps[row],
            name=Path(slices.images[index]).name,
            true=names[slices.labels[index]],
            predicted=slices.classes[predicted[row]],
            probability=float(probabilities[row].max()),
        )
        for row, index in enumerate(chosen)
    ]


def spread_over_classes(labels: np.ndarray, classes: int, each: int) -> np.ndarray:
    """Numbers of up to `each` images a class, evenly spaced through the records."""
    chosen = []
    for label in range(classes):
        found = np.flatnonzero(labels == label)
        places = np.linspace(0, len(found) - 1, min(each, len(found))).round().astype(int)
        chosen.append(found[places])
    return np.concatenate(chosen)
