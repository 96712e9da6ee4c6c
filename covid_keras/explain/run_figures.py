"""The figures of `explain` that show images: maps, also in training, and examples."""

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from covid_keras.datasets.records import evenly_spaced
from covid_keras.explain.explained import (
    LIKELY,
    Explained,
    explain_samples,
    file_stem,
    overlay,
    save_raw,
)
from covid_keras.explain.maps import Explainer
from covid_keras.figures.canvas import FORMATS, save
from covid_keras.figures.panels import Answer, image_grid, map_rows
from covid_keras.models import registry
from covid_keras.models.network import PREPROCESSING
from covid_keras.pipeline.samples import Samples
from covid_keras.runs.inference import Trained, probabilities
from covid_keras.runs.map_methods import map_method
from covid_keras.runs.predictions_file import read_predictions
from covid_keras.runs.run import Run
from covid_keras.training import fit
from covid_keras.training.callbacks import StepCallback
from covid_keras.utils.console import say
from covid_keras.utils.files import atomic_folder
from covid_keras.utils.text import count as counted

RIGHT, WRONG = "test", "test_wrong"
"""Names of the figures of maps of rightly and of wrongly classified test images."""
SINGLE = "single"
"""Folder of the maps of one image each, in the folder of a method."""


def why_no_map(name: str, network: keras.Model, method: str) -> str:
    """Return why `network`, built from the row `name`, has no map by this method; "" if it has."""
    return registry.why_no_feature_map(name, network) if map_method(method).features else ""


def map_figures(
    run: Run, trained: Trained, explainer: Explainer, class_name: str | None, count: int
) -> list[Path]:
    """Draw maps of up to `count` test images per class that are classified rightly, as in the
    papers, and of as many that are not.

    Args:
        explainer: Of the trained network.
        class_name: Whose evidence is drawn; None is the predicted class of each image.

    Returns:
        In the method's folder: test.png and test_wrong.png, without the one that no image is for;
        and the folder `SINGLE` with an overlay and the raw map of each image.
    """
    records = run.split("test")
    samples = trained.samples(records, run.data_root())
    title, folder = explainer.method.title, run.maps(explainer.name)
    right = _predicted(run, trained, samples) == samples.labels
    pictures, drawn = [], []
    for name, kept, how in ((RIGHT, right, "rightly"), (WRONG, ~right, "wrongly")):
        path = folder / f"{name}.png"
        for kind in FORMATS:
            path.with_suffix(f".{kind}").unlink(missing_ok=True)
        chosen = spread_over_classes(samples.labels, len(trained.classes), count, kept)
        if len(chosen):
            given = (explainer, trained.preprocessing, samples, chosen, class_name)
            explained = list(explain_samples(*given))
            heading = f"test, {how} classified: {kept.sum():,} of {len(kept):,} images"
            heading = f"{title} for {class_name or 'the predicted class'}, {heading}"
            save(map_rows(_by_class(explained, samples.classes), heading, trained.stamps), path)
            pictures.append(path)
            drawn += explained
    with atomic_folder(folder / SINGLE) as single:
        for each in drawn:
            stem = single / file_stem(each)
            picture = overlay(each, title, samples, trained.stamps)
            save(picture, stem.with_name(f"{stem.name}_overlay.png"), formats=("png",))
            save_raw(each, samples, stem.with_name(f"{stem.name}_map.npy"))
    without = sum(each.raw is None for each in drawn)
    if without:
        say(f"no map of {counted(without, 'image')}: no class reaches {100 * LIKELY:g} %")
    return [*pictures, folder / SINGLE]


def _by_class(explained: Sequence[Explained], classes: Sequence[str]) -> dict[str, list]:
    panels = [each.panel for each in explained]
    rows = {name: [panel for panel in panels if panel.true == name] for name in classes}
    return {name: row for name, row in rows.items() if row}


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


def spread_over_classes(
    labels: np.ndarray, classes: int, count: int, kept: np.ndarray | None = None
) -> np.ndarray:
    """Return indices of up to `count` images per class, evenly spaced through the records.

    `kept`: (N,) bool, which images may be chosen; None is all.
    """
    kept = np.ones(len(labels), bool) if kept is None else kept
    rows = (np.flatnonzero((labels == label) & kept) for label in range(classes))
    return np.concatenate([of_class[evenly_spaced(len(of_class), count)] for of_class in rows])


class MapsCallback(StepCallback):
    """Draw maps of three val images per class, always the same, at a rhythm of evaluations.

    Writes step_000100.png in the method's folder. Says why where the network has no map.

    Args:
        run: Its recipe sets `training.gradcam`, the rhythm, and `training.map_method`.
    """

    def __init__(self, run: Run) -> None:
        super().__init__()
        recipe = run.recipe()
        self.run, self.training = run, recipe.training
        self.network_name = recipe.model.name
        self.val = fit.samples(run, recipe, "val")
        self.chosen = spread_over_classes(self.val.labels, len(self.val.classes), count=3)
        self.preprocessing = PREPROCESSING[recipe.model.preprocessing]
        self.explainer: Explainer | None = None
        self.reason = ""

    def on_train_begin(self, logs: dict | None = None) -> None:
        super().on_train_begin(logs)
        if self.explainer or self.reason:  # one run can be several calls of fit
            return
        network, method = self.model.network, self.training.map_method
        self.reason = why_no_map(self.network_name, network, method)
        if self.reason:
            say(self.reason)
        else:
            self.explainer = Explainer(network, method)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        evaluation = -(-self.step // self.training.eval_every)
        last = self.step == self.training.steps
        if self.explainer and (last or evaluation % self.training.gradcam == 0):
            self._draw()

    def _draw(self) -> None:
        method = self.training.map_method
        path = self.run.maps(method) / f"step_{self.step:06}.png"
        given = (self.explainer, self.preprocessing, self.val, self.chosen)
        panels = _by_class(list(explain_samples(*given)), self.val.classes)
        title = f"{map_method(method).title} for the predicted class, val, step {self.step:,}"
        save(map_rows(panels, title, self.run.stamps()), path, formats=("png",))


def map_callbacks(run: Run) -> list[keras.callbacks.Callback]:
    """Return the callback that `training.gradcam` asks for, for `training.fit.train`."""
    if not run.recipe().training.gradcam:
        return []
    if not run.has_val():
        say("no maps in training: they show images of val, and there are none")
        return []
    return [MapsCallback(run)]
