"""Grad-CAM of chosen images as rows of a figure, and the callback that draws it in training."""

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from covid_keras.explain.gradcam import gradcam
from covid_keras.figures.canvas import save
from covid_keras.figures.panels import GradcamPanel, gradcam_rows
from covid_keras.models import registry
from covid_keras.models.heads import class_probabilities
from covid_keras.models.layers import Normalise
from covid_keras.models.network import PREPROCESSING, Preprocessing
from covid_keras.pipeline.samples import Samples
from covid_keras.runs.folder import Run
from covid_keras.training import fit
from covid_keras.training.callbacks import StepCallback

TRAINING_IMAGES = 3
"""Val images per class whose Grad-CAM is drawn during training."""


def draw_rows(
    path: Path,
    network: keras.Model,
    preprocessing: Preprocessing,
    samples: Samples,
    chosen: Sequence[int],
    stamps: Sequence[str],
    title: str,
) -> None:
    """Draw the chosen images beside the evidence for their predicted class, one row per class.

    Args:
        path: The PNG to write.
        network: Normalised images to logits.
        preprocessing: Of the network's weights.
        samples: At the network's input size.
        chosen: Indices of samples.
        stamps: Warnings about the run, shown at the top.
        title: Name of the split or step.
    """
    panels = explain_samples(network, preprocessing, samples, chosen)
    rows = {name: [panel for panel in panels if panel.true == name] for name in samples.classes}
    figure = gradcam_rows({name: row for name, row in rows.items() if row}, stamps, title)
    save(figure, path, formats=("png",))


def explain_samples(
    network: keras.Model, preprocessing: Preprocessing, samples: Samples, chosen: Sequence[int]
) -> list[GradcamPanel]:
    """Return the chosen images with their prediction and its Grad-CAM map."""
    pixels = np.stack([samples.read(int(index)) for index in chosen])[..., None]
    normalise = Normalise(preprocessing.offset, preprocessing.scale, dtype="float32")
    images = keras.ops.convert_to_numpy(normalise(pixels))
    logits = network(images, training=False)
    probabilities = keras.ops.convert_to_numpy(class_probabilities(logits))
    predicted = probabilities.argmax(axis=1)
    maps = gradcam(network, images, predicted.tolist())
    names = [*samples.classes, ""]  # label -1 is unknown
    return [
        GradcamPanel(
            image=pixels[row, ..., 0],
            heat=maps[row],
            name=Path(samples.images[index]).name,
            true=names[samples.labels[index]],
            predicted=samples.classes[predicted[row]],
            probability=float(probabilities[row].max()),
        )
        for row, index in enumerate(chosen)
    ]


def spread_over_classes(labels: np.ndarray, classes: int, count: int) -> np.ndarray:
    """Return indices of up to `count` images per class, evenly spaced through the records."""
    chosen = []
    for label in range(classes):
        rows = np.flatnonzero(labels == label)
        places = np.linspace(0, len(rows) - 1, min(count, len(rows))).round().astype(int)
        chosen.append(rows[places])
    return np.concatenate(chosen)


class GradcamCallback(StepCallback):
    """Draw Grad-CAM of the same few val images after every evaluation: gradcam/step_000100.png."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        recipe = run.recipe()
        self.run = run
        self.val = fit.samples(run, recipe, "val")
        self.chosen = spread_over_classes(self.val.labels, len(self.val.classes), TRAINING_IMAGES)
        self.preprocessing = PREPROCESSING[recipe.model.preprocessing]

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        path = self.run.gradcam / f"step_{self.step:06}.png"
        title = f"val, step {self.step:,}"
        network, stamps = self.model.network, self.run.stamps()
        draw_rows(path, network, self.preprocessing, self.val, self.chosen, stamps, title)


def gradcam_callbacks(run: Run) -> list[keras.callbacks.Callback]:
    """Return the callback that `training.gradcam` asks for, for `training.fit.train`."""
    recipe = run.recipe()
    if not recipe.training.gradcam:
        return []
    if not registry.get(recipe.model.name).gradcam_layer:
        print(registry.NO_FEATURE_MAP.format(recipe.model.name), flush=True)
        return []
    return [GradcamCallback(run)]
