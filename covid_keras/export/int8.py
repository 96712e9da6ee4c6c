"""Exports in eight bits: calibrated on images of train, and accepted by what val loses."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from covid_keras.export.check import answer_alone, cost, pixels_of
from covid_keras.metrics.comparison import Difference, paired_differences
from covid_keras.runs.inference import Trained
from covid_keras.runs.predictions_file import read_predictions
from covid_keras.runs.run import Run
from covid_keras.utils.errors import InputError

CALIBRATION = 128
"""Images of train, evenly spaced, that the ranges of the values are taken from."""
VAL = 1000
"""Images of val, evenly spaced, that the answers are compared on."""
LOSS = 0.005
"""What the macro AUC on val may lose."""


def calibration_images(trained: Trained) -> np.ndarray:
    """Return up to `CALIBRATION` images of train, uint8 (N, h, w, 1).

    Raises:
        InputError: no run, or its data is not at hand.
    """
    run = _run(trained)
    return pixels_of(trained, run, run.split("train"), CALIBRATION)[0]


def check_int8(folder: Path, trained: Trained) -> str:
    """Check an export in eight bits on images of val.

    Returns:
        A line with the AUC, its paired change with its interval, speed and size.

    Raises:
        InputError: the macro AUC is undefined or falls by `LOSS` or more, the export cannot be
            loaded, or val or its predictions are missing.
    """
    run = _run(trained)
    if not run.predictions_file("val").exists():
        raise InputError(f"--int8: expected {run.predictions_file('val')}. Received: no such file")
    predictions = read_predictions(run.predictions_file("val"))
    records = run.split("val").set_index("image", drop=False).loc[predictions.table["image"]]
    pixels, rows = pixels_of(trained, run, records, VAL)
    answered = answer_alone(folder, pixels)
    before = predictions.take(rows)
    after = replace(before, probabilities=answered.outputs.probabilities.astype(float))
    change = paired_differences(before, after)["macro_auc"]
    told = _sentence(change, len(pixels))
    if not -change.value < LOSS:
        raise InputError(f"--int8: expected a fall by less than {LOSS}. Received: {told}")
    return f"{told}: accepted; {cost(folder, answered)}"


def _run(trained: Trained) -> Run:
    if trained.run is None:
        raise InputError("--int8: expected a run, with images of train and val")
    return trained.run


def _sentence(change: Difference, images: int) -> str:
    bounds = "" if change.low is None else f" [{change.low:+.4f}, {change.high:+.4f}]"
    return (
        f"macro AUC {change.second:.4f} in eight bits against {change.first:.4f} on {images:,} val"
        f" images, change {change.value:+.4f}{bounds}"
    )
