"""Grad-CAM: the channels of the feature map, weighted by their mean gradient, without negatives."""

import numpy as np

from covid_keras.explain.scorer import Batch, by_tf_keras_vis
from covid_keras.utils.backend import backend


def maps(batch: Batch) -> np.ndarray:
    """Return maps (B, h, w) of the feature map's size, 0 or more."""
    if backend() == "tensorflow":
        from tf_keras_vis.gradcam import Gradcam

        return by_tf_keras_vis(Gradcam, batch)
    gradient = batch.head.gradient(batch.features, batch.targets)
    weights = gradient.mean(axis=(1, 2), keepdims=True)
    return np.maximum((weights * batch.features).sum(axis=-1), 0)
