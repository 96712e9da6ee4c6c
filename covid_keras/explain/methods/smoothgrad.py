"""SmoothGrad: the gradient of the class's logit, averaged over noisy copies of the image."""

import numpy as np

from covid_keras.explain.scorer import Batch

SAMPLES = 32
NOISE = 0.15
"""Standard deviation of the noise, in units of the image's range; 0 is the plain gradient."""


def maps(batch: Batch) -> np.ndarray:
    """Return maps (B, H, W): the largest magnitude of the mean gradient over the channels.

    The noise is the same for all images, and every time.
    """
    generator = np.random.default_rng(0)
    low, high = (end(batch.images, axis=(1, 2, 3), keepdims=True) for end in (np.min, np.max))
    scale = NOISE * (high - low)
    gradient = np.zeros_like(batch.images)
    for _ in range(SAMPLES):
        noise = generator.standard_normal(batch.images.shape[1:], dtype=np.float32)
        gradient += batch.model.gradient(batch.images + scale * noise, batch.targets)
    return np.abs(gradient / SAMPLES).max(axis=-1)
