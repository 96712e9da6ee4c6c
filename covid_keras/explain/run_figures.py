"""The figures of `explain` that show images: Grad-CAM, also in training, and examples."""

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
from matplotlib.figure import Figure

from covid_keras.datasets.records import evenly_spaced
from covid_keras.explain.maps import gradcam
from covid_keras.figures.canvas import FORMATS, save
from covid_keras.figures.panels import Answer, GradcamPanel, gradcam_rows, image_grid
from covid_keras.models import registry
from covid_keras.models.heads import class_probabilities
from covid_keras.models.layers import Normalise
from covid_keras.models.network import PREPROCESSING, Preprocessing
from covid_keras.pipeline.samples import Samples
from covid_keras.runs.inference import Trained, probabilities
from covid_keras.runs.predictions_file import read_predictions
from covid_keras.runs.run import Run
from covid_keras.training import fit
from covid_keras.training.callbacks import StepCallback
from covid_keras.utils.console import say

RIGHT, WRONG = "test", "test_wrong"
"""Names of the Grad-CAM figures of rightly and of wrongly classified test images."""


def gradcam_figures(run: Run, trained: Trained, count: int) -> list[Path]:
    """Draw Grad-CAM of up to `count` test images per class that are classified rightly, as in the
    papers, and of as many that are not.

    Returns:
        gradcam/test.png and gradcam/test_wrong.png; without the one that no image is for.
    """
    records = run.split("test")
    samples = trained.samples(records, run.data_root())
    right = _predicted(run, trained, samples) == samples.labels
    pictures = []
    for name, kept, title in ((RIGHT, right, "rightly"), (WRONG, ~right, "wrongly")):
        path = run.gradcam / f"{name}.png"
        for kind in FORMATS:
            path.with_suffix(f".{kind}").unlink(missing_ok=True)
        chosen = spread_over_classes(samples.labels, len(trained.classes), count, kept)
        if len(chosen):
            heading = f"test, {title} classified: {kept.sum():,} of {len(kept):,} images"
            given = (trained.network, trained.preprocessing, samples, chosen, trained.stamps)
            save(rows_figure(*given, heading), path)
            pictures.append(path)
    return pictures


def _predicted(run: Run, trained: Trained, samples: Samples) -> np.ndarray:
    """Return the predicted class (N,) of the test samples, from the run's file if there is one."""
    file = run.predictions_file("test")
    if not file.exists():
        return probabilities(trained, samples, "test").argmax(axis=1)
    found = read_predictions(file)
    classes = dict(zip(found.table["image"], found.predicted.tolist(), strict=True))
    return np.array([classes[image] for image in samples.images])


def examples_figure(run: Run, trained: Trained, count: int = 16) -> Path:
    """Draw random test images with their true and predicted class; return the path
    figures/test_images.png."""
    records = run.split("test")
    drawn = records.sample(min(count, len(records)), random_state=trained.recipe.seed)
    samples = trained.samples(drawn, run.data_root())
    outputs = probabilities(trained, samples, "test images")
    answers = [
        Answer(samples.read(row), label, trained.classes[output.argmax()], float(output.max()))
        for row, (label, output) in enumerate(zip(drawn["label"], outputs, strict=True))
    ]
    path = run.figures / "test_images.png"
    save(image_grid(answers, trained.stamps), path)
    return path


def rows_figure(
    network: keras.Model,
    preprocessing: Preprocessing,
    samples: Samples,
    chosen: Sequence[int],
    stamps: Sequence[str],
    title: str,
) -> Figure:
    """Draw the chosen samples beside the evidence for their predicted class, one row per class.

    Args:
        network, preprocessing: Normalised images to logits, and how to normalise.
        samples, chosen: At the network's input size, and indices of them.
        stamps, title: Shown at the top.
    """
    panels = explain_samples(network, preprocessing, samples, chosen)
    rows = {name: [panel for panel in panels if panel.true == name] for name in samples.classes}
    return gradcam_rows({name: row for name, row in rows.items() if row}, stamps, title)


def explain_samples(
    network: keras.Model, preprocessing: Preprocessing, samples: Samples, chosen: Sequence[int]
) -> list[GradcamPanel]:
    """Return the chosen images with their prediction and its Grad-CAM map."""
    pixels = np.stack([samples.read(int(index)) for index in chosen])[..., None]
    images = normalised(preprocessing, pixels)
    outputs = keras.ops.convert_to_numpy(class_probabilities(network(images, training=False)))
    predicted = outputs.argmax(axis=1)
    maps = gradcam(network, images, predicted.tolist())
    names = [*samples.classes, ""]  # label -1 is unknown
    return [
        GradcamPanel(
            image=pixels[row, ..., 0],
            heat=maps[row],
            name=Path(samples.images[index]).name,
            true=names[samples.labels[index]],
            predicted=samples.classes[predicted[row]],
            probability=float(outputs[row].max()),
        )
        for row, index in enumerate(chosen)
    ]


def normalised(preprocessing: Preprocessing, pixels: np.ndarray) -> np.ndarray:
    """Return samples (B, H, W, 1) of 0 to 255 as the network takes them, (B, H, W, 3)."""
    normalise = Normalise(preprocessing.offset, preprocessing.scale, dtype="float32")
    return keras.ops.convert_to_numpy(normalise(pixels))


def spread_over_classes(
    labels: np.ndarray, classes: int, count: int, kept: np.ndarray | None = None
) -> np.ndarray:
    """Return indices of up to `count` images per class, evenly spaced through the records.

    `kept`: (N,) bool, which images may be chosen; None is all.
    """
    kept = np.ones(len(labels), bool) if kept is None else kept
    rows = (np.flatnonzero((labels == label) & kept) for label in range(classes))
    return np.concatenate([of_class[evenly_spaced(len(of_class), count)] for of_class in rows])


class GradcamCallback(StepCallback):
    """Draw Grad-CAM of three val images per class, always the same, after every evaluation.

    Writes gradcam/step_000100.png. Says why where the network has no feature map.
    """

    def __init__(self, run: Run) -> None:
        super().__init__()
        recipe = run.recipe()
        self.run = run
        self.val = fit.samples(run, recipe, "val")
        self.chosen = spread_over_classes(self.val.labels, len(self.val.classes), count=3)
        self.preprocessing = PREPROCESSING[recipe.model.preprocessing]

    def on_train_begin(self, logs: dict | None = None) -> None:
        super().on_train_begin(logs)
        name = self.run.recipe().model.name
        self.reason = registry.why_no_feature_map(name, self.model.network)
        if self.reason:
            say(self.reason)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if self.reason:
            return
        path, title = self.run.gradcam / f"step_{self.step:06}.png", f"val, step {self.step:,}"
        network, stamps = self.model.network, self.run.stamps()
        figure = rows_figure(network, self.preprocessing, self.val, self.chosen, stamps, title)
        save(figure, path, formats=("png",))


def gradcam_callbacks(run: Run) -> list[keras.callbacks.Callback]:
    """Return the callback that `training.gradcam` asks for, for `training.fit.train`."""
    recipe = run.recipe()
    if not recipe.training.gradcam:
        return []
    if not run.has_val():
        say("no Grad-CAM in training: it shows images of val, and there are none")
        return []
    return [GradcamCallback(run)]
