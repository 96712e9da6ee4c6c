"""The figures of `explain`: Grad-CAM of test images, sample predictions, and t-SNE of features."""

from pathlib import Path

import pandas as pd

from covid_keras.explain.rows import draw_rows, evenly_spaced, spread_over_classes
from covid_keras.explain.tsne import tsne
from covid_keras.figures.canvas import save
from covid_keras.figures.embedding import tsne_figure
from covid_keras.figures.panels import Answer, image_grid
from covid_keras.runs.inference import Trained, features, probabilities
from covid_keras.runs.run import Run


def gradcam_figure(run: Run, trained: Trained, count: int) -> Path:
    """Draw Grad-CAM of `count` test images per class; return the path gradcam/test.png."""
    samples = trained.samples(run.split("test"), run.data_root())
    chosen = spread_over_classes(samples.labels, len(trained.classes), count)
    path = run.gradcam / "test.png"
    draw_rows(path, trained.network, trained.preprocessing, samples, chosen, trained.stamps, "test")
    return path


def features_figure(run: Run, trained: Trained, count: int) -> Path:
    """Draw pooled features of up to `count` images each of train and test; return the path
    figures/tsne.png."""
    tables = (run.split(split) for split in ("train", "test"))
    records = pd.concat([table.iloc[evenly_spaced(len(table), count)] for table in tables])
    points = tsne(features(trained, trained.samples(records, run.data_root())), trained.recipe.seed)
    labels, splits = records["label"].tolist(), records["split"].tolist()
    path = run.figures / "tsne.png"
    save(tsne_figure(points, labels, splits, trained.classes, trained.stamps), path)
    return path


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
