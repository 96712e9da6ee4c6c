"""The pointing game: whether the maximum of a map lies on the disease (Zhang et al. 2018)."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from covid_keras.explain.gradcam import gradcam
from covid_keras.explain.run_figures import normalised
from covid_keras.images.masks import find_masks, read_mask
from covid_keras.metrics.intervals import ratio_estimate
from covid_keras.runs.inference import Trained
from covid_keras.runs.run import Run
from covid_keras.utils.files import write_json
from covid_keras.utils.text import count


def pointing_game(run: Run, trained: Trained, folder: Path) -> dict:
    """Play the pointing game on the test images with a mask in `folder`; write pointing.json.

    Args:
        folder: Masks of the disease, named like the images; an image without one is left out.

    Returns:
        images: their number; map: the share whose Grad-CAM map of the true class has its maximum
        inside the mask, with its interval; centre: the share with the image's centre inside;
        area: the mean share of the image that is inside.

    Raises:
        InputError: No mask fits an image, or a mask cannot be read.
    """
    records = run.split("test")
    masks = find_masks(records["image"].tolist(), folder)
    records = records[[mask is not None for mask in masks]]
    samples = trained.samples(records, run.data_root())
    files = [mask for mask in masks if mask is not None]

    def inside(index: int, image: np.ndarray, fit: Callable) -> np.ndarray:
        return fit(read_mask(files[index], image.shape))

    disease = replace(samples, transform=inside)
    pixels, masks = (
        np.stack([each.read(index) for index in range(len(records))]) for each in (samples, disease)
    )
    images = normalised(trained.preprocessing, pixels[..., None])
    maps = gradcam(trained.network, images, samples.labels.tolist())
    patients = records["patient"].where(records["patient"].ne(""), records["image"])
    game = score(maps, masks > 127, np.unique(patients, return_inverse=True)[1])
    write_json(run.gradcam / "pointing.json", game)
    return game


def score(maps: np.ndarray, masks: np.ndarray, patients: np.ndarray) -> dict:
    """Return the result of `pointing_game` from maps and masks (N, H, W) of `patients` (N,) int.

    >>> one = np.eye(3)[None]
    >>> score(one, one > 0, np.array([0]))["map"]["value"]
    1.0
    """
    number, height, width = maps.shape
    best = maps.reshape(number, -1).argmax(axis=1)
    hits = masks.reshape(number, -1)[np.arange(number), best]
    ratio = ratio_estimate(hits.astype(float), np.ones(number), patients)
    return {
        "images": number,
        "map": ratio.entry("patient"),
        "centre": float(masks[:, height // 2, width // 2].mean()),
        "area": float(masks.mean()),
    }


def sentence(game: dict) -> str:
    """Return the result of `pointing_game` in one line, in percent."""
    found = game["map"]
    return (
        f"pointing game, {count(game['images'], 'test image')} with disease: the map's maximum is"
        f" on it in {100 * found['value']:.1f} % [{100 * found['low']:.1f},"
        f" {100 * found['high']:.1f}]; the image's centre in {100 * game['centre']:.1f} %, a random"
        f" point in {100 * game['area']:.1f} %"
    )
