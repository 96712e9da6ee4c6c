"""Ablations: test images with parts blacked out.

A network that keeps its score without the centre of the image does not read the lungs (Maguolo and
Nanni 2021, DeGrave et al. 2021).
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from covid_keras.evaluation.regions import regions
from covid_keras.images.masks import LUNG, find_masks, read_mask
from covid_keras.pipeline.samples import Samples
from covid_keras.runs.inference import Trained, predict_samples, probability_model
from covid_keras.runs.predictions_file import write_predictions
from covid_keras.runs.run import Run


def ablate(run: Run, trained: Trained, masks: Path | None = None) -> None:
    """Predict the run's test images with parts blacked out; write a CSV for each ablation.

    Black is 0 before the network's normalisation, in the image as the network gets it.

    Args:
        masks: Folder with lung masks; only the images that have one are predicted with the lungs
            alone and without them.

    Raises:
        InputError: No mask fits an image, or a mask cannot be read.
    """
    records = run.split("test")
    samples = trained.samples(records, run.data_root())
    parts = [
        (name, _blacked_out(trained, visible), records, samples)
        for name, visible in regions(*samples.shape).items()
    ]
    if masks:
        records, files = with_masks(records, masks)
        samples = trained.samples(records, run.data_root())
        model = probability_model(trained.network, trained.preprocessing)
        for name, lungs in (("lungs only", True), ("lungs blacked out", False)):
            parts.append((name, model, records, masked(samples, files, lungs)))
    for name, model, records, samples in parts:
        outputs = predict_samples(model, trained, samples, name)
        file = run.ablations / f"{name.replace(' ', '_')}.csv"
        write_predictions(file, records.assign(fold=run.fold()), outputs, trained.classes)


def with_masks(records: pd.DataFrame, folder: Path) -> tuple[pd.DataFrame, tuple[Path, ...]]:
    """Return the records that have a lung mask in `folder`, and the masks in the same order.

    A mask is a PNG with the image's path, or with its name if no two images have the same.

    Raises:
        InputError: No such folder, or no mask in it for any of the images.
    """
    masks = find_masks(records["image"].tolist(), folder)
    return records[[mask is not None for mask in masks]], tuple(filter(None, masks))


def masked(samples: Samples, masks: Sequence[Path], lungs: bool) -> Samples:
    """Return the samples with all but the lungs black, or with the lungs black.

    Args:
        samples: N samples.
        masks: N files; each mask is cropped and resized like its image.
        lungs: Whether the lungs stay visible.
    """

    def blacked_out(index: int, image: np.ndarray, fit: Callable) -> np.ndarray:
        inside = fit(read_mask(masks[index], image.shape)) > LUNG // 2
        return fit(image) * (inside == lungs)

    return replace(samples, cache="", transform=blacked_out)


def _blacked_out(trained: Trained, visible: np.ndarray) -> keras.Model:
    """Map uint8 images (B, h, w, 1) to probabilities (B, K) of their visible part."""
    images = keras.Input((*visible.shape, 1), dtype="uint8", name="slices")
    kept = images * visible[None, :, :, None].astype("uint8")
    return keras.Model(images, probability_model(trained.network, trained.preprocessing)(kept))
