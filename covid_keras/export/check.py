"""Compare an export, loaded in a fresh process, with the network that it was written from."""

import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import tensorflow as tf

import covid_keras
from covid_keras.export import Outputs
from covid_keras.images.geometry import fit_to
from covid_keras.recipes.config import height_width
from covid_keras.runs.inference import Trained, answer_model
from covid_keras.runs.run import Run
from covid_keras.utils.errors import InputError

COUNT = 16
"""Images that an export is checked on."""
LIMIT = 1e-4
"""Largest difference of a probability, and of a feature as a share of the largest feature."""


@dataclass(frozen=True)
class Answered:
    """What an export answered in a fresh process, on the CPU."""

    outputs: Outputs
    first: float
    """Seconds from the start of the process to its first answer."""
    speed: float
    """Images per second after it, one at a time."""


def check_export(folder: Path, trained: Trained) -> str:
    """Check an export on images of the run's val split, or on made ones where they are missing.

    Returns:
        A line with difference, speed and size.

    Raises:
        InputError: it cannot be loaded, or an answer is off by more than `LIMIT`.
    """
    pixels, origin = check_images(trained)
    answered = answer_alone(folder, pixels)
    off, features_off = _differences(_expected(trained, pixels), answered.outputs)
    if not (off <= LIMIT and features_off <= LIMIT):
        raise InputError(
            f"export: expected the run's answers to {LIMIT} on {origin}. Received: {off:.2g} off in"
            f" a probability, {features_off:.2g} in a feature; nothing is kept"
        )
    told = f"checked on {origin} in a fresh process: at most {off:.1g} from the run"
    return f"{told}; {cost(folder, answered)}"


def cost(folder: Path, answered: Answered) -> str:
    """Return in words how fast an export answered, and how large it is."""
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    speed = f"first answer after {answered.first:.1f} s, then {answered.speed:.1f} images/s"
    return f"{speed}; {size / 1e6:.1f} MB"


def check_images(trained: Trained) -> tuple[np.ndarray, str]:
    """Return up to `COUNT` images, uint8 (N, h, w, 1), and what they are, in words."""
    run = trained.run
    if run is not None and run.has_val():
        with suppress(InputError):  # the data set may be elsewhere by now
            pixels, _ = pixels_of(trained, run, run.split("val"), COUNT)
            return pixels, f"{len(pixels)} val images"
    coarse = np.random.default_rng(0).integers(0, 256, (COUNT, 8, 8), np.uint8)
    size = height_width(trained.recipe.input.crop)
    made = [fit_to(image, None, "stretch", size) for image in coarse]
    return np.stack(made)[..., None], f"{COUNT} made images (no val images were found)"


def pixels_of(
    trained: Trained, run: Run, records: pd.DataFrame, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return up to `count` evenly spaced images, uint8 (N, h, w, 1), and their rows, (N,) int.

    Raises:
        InputError: an image is missing or cannot be read.
    """
    rows = np.unique(np.linspace(0, len(records) - 1, count).round().astype(int))
    samples = trained.samples(records.iloc[rows], run.data_root())
    return np.stack([samples.read(number) for number in range(len(rows))])[..., None], rows


def answer_alone(folder: Path, pixels: np.ndarray) -> Answered:
    """Return what an export answers to uint8 images (N, h, w, 1), in a fresh process on the CPU.

    Raises:
        InputError: the process fails; the message ends with its last line.
    """
    paths = [str(Path(covid_keras.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    own = {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "CUDA_VISIBLE_DEVICES": "-1"}
    with tempfile.TemporaryDirectory() as scratch:
        images, out = Path(scratch, "images.npy"), Path(scratch, "answer.npz")
        np.save(images, pixels)
        command = [sys.executable, "-m", "covid_keras.export.answer", folder, images, out]
        start = time.time()
        done = subprocess.run(command, env=os.environ | own, capture_output=True, text=True)
        if done.returncode:
            told = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
            raise InputError(f"export: cannot be loaded in a fresh process: {told}")
        with np.load(out) as answer:
            outputs = Outputs(*(answer[name] for name in Outputs._fields))
            return Answered(outputs, float(answer["first"]) - start, float(answer["speed"]))


def _expected(trained: Trained, pixels: np.ndarray) -> Outputs:
    """Return what the network answers on the CPU: a GPU may compute in fewer bits."""
    model = answer_model(trained.network, trained.preprocessing)
    with tf.device("CPU:0"):
        answers = [model(image[None], training=False) for image in pixels]
    return Outputs(*(np.concatenate([a[name] for a in answers]) for name in Outputs._fields))


def _differences(expected: Outputs, received: Outputs) -> tuple[float, float]:
    """Return the largest difference of a probability, and of a feature as `LIMIT` counts it."""
    off, features_off = (np.abs(a - b).max() for a, b in zip(expected, received, strict=True))
    return float(off), float(features_off / max(np.abs(expected.features).max(), 1e-12))
