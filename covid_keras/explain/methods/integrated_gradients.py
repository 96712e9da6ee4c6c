"""Integrated gradients: what each pixel adds to the class's logit on the way from black."""

import numpy as np

from covid_keras.explain.scorer import Batch

STEPS = 32


def maps(batch: Batch) -> np.ndarray:
    """Return maps (B, H, W), summed over the channels; negative where a pixel speaks against.

    The way begins at an image of the darkest value of each channel. A map's sum is the logit of the
    image minus that of the dark one, up to the error of a sum of `STEPS` midpoints.
    """
    dark = batch.images.min(axis=(1, 2), keepdims=True)
    change = batch.images - dark
    gradient = np.zeros_like(batch.images)
    for step in range(STEPS):
        gradient += batch.model.gradient(dark + (step + 0.5) / STEPS * change, batch.targets)
    return (change * gradient).sum(axis=-1) / STEPS
