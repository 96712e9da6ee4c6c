"""Grad-CAM++: as Grad-CAM, but positive gradients count, and more where few pixels have them."""

import numpy as np

from covid_keras.explain.scorer import Batch, by_tf_keras_vis
from covid_keras.utils.backend import backend


def maps(batch: Batch) -> np.ndarray:
    """Return maps (B, h, w) of the feature map's size, 0 or more."""
    if backend() == "tensorflow":
        from tf_keras_vis.gradcam_plus_plus import GradcamPlusPlus

        return by_tf_keras_vis(GradcamPlusPlus, batch)
    gradient, over = batch.head.gradient(batch.features, batch.targets), {"axis": (1, 2)}
    square, total = gradient**2, batch.features.sum(**over, keepdims=True)
    shares = square / (2 * square + gradient**3 * total + (square == 0))
    sums = shares.sum(**over, keepdims=True)
    shares /= sums + (sums == 0)
    weights = (np.maximum(gradient, 0) * shares).sum(**over, keepdims=True)
    return np.maximum((weights * batch.features).sum(axis=-1), 0)
