"""Layer-CAM: each pixel of the feature map, weighted by its own positive gradient."""

import numpy as np

from covid_keras.explain.scorer import Batch, by_tf_keras_vis
from covid_keras.utils.backend import backend


def maps(batch: Batch) -> np.ndarray:
    """Return maps (B, h, w) of the feature map's size, 0 or more."""
    if backend() == "tensorflow":
        from tf_keras_vis.layercam import Layercam

        return by_tf_keras_vis(Layercam, batch)
    gradient = np.maximum(batch.head.gradient(batch.features, batch.targets), 0)
    return np.maximum((gradient * batch.features).sum(axis=-1), 0)
