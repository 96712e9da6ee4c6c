"""The figures of `explain`: Grad-CAM of chosen images, also in training, examples, and t-SNE."""

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from covid_keras.explain.gradcam import gradcam
from covid_keras.figures.canvas import save
from covid_keras.figures.embedding import tsne_figure
from covid_keras.figures.panels import Answer, GradcamPanel, gradcam_rows, image_grid
from covid_keras.models import registry
from covid_keras.models.heads import class_probabilities
from covid_keras.models.layers import Normalise
from covid_keras.models.network import PREPROCESSING, Preprocessing
from covid_keras.pipeline.samples import Samples
from covid_keras.runs.inference import Trained, features, probabilities
from covid_keras.runs.run import Run
from covid_keras.training import fit
from covid_keras.training.callbacks import StepCallback
from covid_keras.utils.console import say
from covid_keras.utils.errors import InputError

FEWEST = 5
"""Images of a t-SNE at least."""


def gradcam_figure(run: Run, trained: Trained, count: int) -> Path:
    """Draw Grad-CAM of `count` test images per class; return the path gradcam/test.png."""
    samples = trained.samples(run.split("test"), run.data_root())
    chosen = spread_over_classes(samples.labels, len(trained.classes), count)
    path = run.gradcam / "test.png"
    draw_rows(path, trained.network, trained.preprocessing, samples, chosen, trained.stamps, "test")
    return path


def features_figure(run: Run, trained: Trained, count: int) -> Path | None:
    """Draw pooled features of up to `count` images each of train and test; return the path
    figures/tsne.png, or None, and say why, where they have no t-SNE."""
    tables = (run.split(split) for split in ("train", "test"))
    records = pd.concat([table.iloc[evenly_spaced(len(table), count)] for table in tables])
    pooled = features(trained, trained.samples(records, run.data_root()))
    try:
        points = tsne(pooled, trained.recipe.seed)
    except InputError as error:
        say(f"no figure of the features: {error}")
        return None
    labels, splits = records["label"].tolist(), records["split"].tolist()
    path = run.figures / "tsne.png"
    save(tsne_figure(points, labels, splits, trained.classes, trained.stamps), path)
    return path


def tsne(features: np.ndarray, seed: int = 0, perplexity: float = 30.0) -> np.ndarray:
    """Return the t-SNE (van der Maaten and Hinton 2008) of features, from principal components.

    Uses one thread: on busy cores scikit-learn's threads wait for each other.

    Args:
        features: (N, D), one pooled feature vector per image; N >= 5. Their scale is of no matter.
        seed: Of the embedding.
        perplexity: About the number of neighbours that count; at most a third of N - 1 is used.

    Returns:
        (N, 2) float32. The axes have no unit; distances between clusters have no meaning.

    Raises:
        InputError: Another shape, fewer than five images, values that are not finite, or images
            that all have the same features.
    """
    features = np.asarray(features, dtype=np.float64)
    if features.ndim != 2 or len(features) < FEWEST or not features.size:
        shape = f"(N, D) with N >= {FEWEST}"
        raise InputError(f"t-SNE: expected features of shape {shape}. Received: {features.shape}")
    if not np.isfinite(features).all():
        raise InputError("t-SNE: expected finite features. Received: NaN or infinity")
    features = features / max(1.0, np.abs(features).max())  # their squares do not overflow
    spread = features - features.mean(axis=0)
    if np.abs(spread).max() <= np.finfo(np.float32).eps * np.abs(features).max():
        raise InputError(f"t-SNE: expected features that differ. Received: {len(features)} alike")
    spread = np.pad(spread / np.abs(spread).max(), ((0, 0), (0, features.shape[1] == 1)))
    perplexity = min(perplexity, (len(features) - 1) / 3)
    embedding = TSNE(init="pca", perplexity=perplexity, random_state=seed)
    with threadpool_limits(1):
        return embedding.fit_transform(spread.astype(np.float32))


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


def draw_rows(
    path: Path,
    network: keras.Model,
    preprocessing: Preprocessing,
    samples: Samples,
    chosen: Sequence[int],
    stamps: Sequence[str],
    title: str,
) -> None:
    """Draw the chosen samples beside the evidence for their predicted class, one row per class.

    Args:
        path: The PNG to write.
        network, preprocessing: Normalised images to logits, and how to normalise.
        samples, chosen: At the network's input size, and indices of them.
        stamps, title: Shown at the top.
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


def spread_over_classes(labels: np.ndarray, classes: int, count: int) -> np.ndarray:
    """Return indices of up to `count` images per class, evenly spaced through the records."""
    rows = (np.flatnonzero(labels == label) for label in range(classes))
    return np.concatenate([of_class[evenly_spaced(len(of_class), count)] for of_class in rows])


def evenly_spaced(length: int, count: int) -> np.ndarray:
    """Return up to `count` evenly spaced indices of a sequence."""
    return np.linspace(0, length - 1, min(count, length)).round().astype(int)


class GradcamCallback(StepCallback):
    """Draw Grad-CAM of three val images per class, always the same, after every evaluation.

    Writes gradcam/step_000100.png.
    """

    def __init__(self, run: Run) -> None:
        super().__init__()
        recipe = run.recipe()
        self.run = run
        self.val = fit.samples(run, recipe, "val")
        self.chosen = spread_over_classes(self.val.labels, len(self.val.classes), count=3)
        self.preprocessing = PREPROCESSING[recipe.model.preprocessing]

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        path, title = self.run.gradcam / f"step_{self.step:06}.png", f"val, step {self.step:,}"
        network, stamps = self.model.network, self.run.stamps()
        draw_rows(path, network, self.preprocessing, self.val, self.chosen, stamps, title)


def gradcam_callbacks(run: Run) -> list[keras.callbacks.Callback]:
    """Return the callback that `training.gradcam` asks for, for `training.fit.train`."""
    recipe = run.recipe()
    if not recipe.training.gradcam:
        return []
    if not registry.get(recipe.model.name).gradcam_layer:
        say(registry.NO_FEATURE_MAP.format(recipe.model.name))
        return []
    return [GradcamCallback(run)]
