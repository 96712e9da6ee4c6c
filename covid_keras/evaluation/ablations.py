"""Test images with parts blacked out: a network that keeps its score without the middle of the
image does not read the lungs (Maguolo and Nanni 2021, DeGrave et al. 2021)."""

from pathlib import Path

import keras
import numpy as np

from covid_keras.evaluation.masks import masked, with_masks
from covid_keras.evaluation.regions import regions
from covid_keras.runs.folder import Run
from covid_keras.runs.inference import Trained, predict_slices, probability_model
from covid_keras.runs.predictions import write_predictions


def ablate(run: Run, trained: Trained, masks: Path | None = None) -> list[Path]:
    """Predict the run's test images with parts blacked out; returns the files, one a region.

    Black is 0 before the network's normalisation, in the slice as the network gets it.

    Args:
        run: with a test split.
        trained: the run, loaded.
        masks: folder with masks of the lungs, for those images that have one.

    Raises:
        InputError: no mask fits an image, or a mask cannot be read.
    """
    records = run.split()
    records = records[records["split"] == "test"]
    slices = trained.slices(records, run.data_root())
    files = []
    for name, left in regions(*slices.shape).items():
        file = run.ablations / f"{name.replace(' ', '_')}.csv"
        outputs = predict_slices(_blacked_out(trained, left), trained, slices, name)
        write_predictions(file, records, outputs, trained.classes)
        files.append(file)
    return [*files, *(_without_lungs(run, trained, records, masks) if masks else ())]


def _without_lungs(run: Run, trained: Trained, records, folder: Path) -> list[Path]:
    """Predict the images that have a mask, with the lungs alone and without them."""
    records, masks = with_masks(records, folder)
    model = probability_model(trained.network, trained.preprocessing)
    slices = trained.slices(records, run.data_root())
    files = []
    for name, lungs in (("lungs only", True), ("lungs blacked out", False)):
        file = run.ablations / f"{name.replace(' ', '_')}.csv"
        outputs = predict_slices(model, trained, masked(slices, masks, lungs), name)
        write_predictions(file, records, outputs, trained.classes)
        files.append(file)
    return files


def _blacked_out(trained: Trained, left: np.ndarray) -> keras.Model:
    """uint8 slices (B, h, w, 1) to probabilities (B, K) of what is left of them."""
    slices = keras.Input((*left.shape, 1), dtype="uint8", name="slices")
    kept = slices * left[None, :, :, None].astype("uint8")
    return keras.Model(slices, probability_model(trained.network, trained.preprocessing)(kept))
