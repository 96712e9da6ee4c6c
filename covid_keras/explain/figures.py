"""The figures that look into a trained run, on images that it was not trained on."""

from pathlib import Path

import numpy as np
import pandas as pd

from covid_keras.explain.rows import draw_rows, spread_over_classes
from covid_keras.explain.tsne import tsne
from covid_keras.figures.panels import Answer, image_grid
from covid_keras.figures.run import tsne_figure
from covid_keras.runs.folder import Run
from covid_keras.runs.inference import Trained, features, probabilities


def gradcam_figure(run: Run, trained: Trained, each: int) -> Path:
    """gradcam/test.png: `each` test images a class with the evidence for the prediction."""
    records = run.split()
    slices = trained.slices(records[records["split"] == "test"], run.data_root())
    chosen = spread_over_classes(slices.labels, len(trained.classes), each)
    path = run.gradcam / "test.png"
    preprocessing = trained.preprocessing
    draw_rows(path, trained.network, preprocessing, slices, chosen, trained.stamps, "test")
    return path


def features_figure(run: Run, trained: Trained, most: int) -> Path:
    """figures/tsne.png: pooled features of at most `most` train and as many test images."""
    records = pd.concat([_sample(run.split(), split, most) for split in ("train", "test")])
    points = tsne(features(trained, trained.slices(records, run.data_root())), trained.recipe.seed)
    path = run.figures / "tsne.png"
    tsne_figure(
        path,
        points,
        records["label"].tolist(),
        records["split"].tolist(),
        trained.classes,
        trained.stamps,
    )
    return path


def examples_figure(run: Run, trained: Trained, count: int = 16) -> Path:
    """figures/test_images.png: test images drawn at random, with true and predicted class."""
    records = run.split()
    records = records[records["split"] == "test"]
    drawn = records.sample(min(count, len(records)), random_state=trained.recipe.seed)
    slices = trained.slices(drawn, run.data_root())
    answers = [
        Answer(slices.read(row), label, trained.classes[outputs.argmax()], float(outputs.max()))
        for row, (label, outputs) in enumerate(
            zip(drawn["label"], probabilities(trained, slices, "test images"), strict=True)
        )
    ]
    path = run.figures / "test_images.png"
    image_grid(path, answers, trained.stamps)
    return path


def _sample(records: pd.DataFrame, split: str, most: int) -> pd.DataFrame:
    """Evenly spaced images of one split, at most `most`."""
    records = records[records["split"] == split]
    count = min(most, len(records))
    return records.iloc[np.linspace(0, len(records) - 1, count).round().astype(int)]
