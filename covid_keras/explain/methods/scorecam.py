"""Score-CAM: channels weighted by the class's probability where only they show the image."""

import cv2
import numpy as np

from covid_keras.explain.scorer import Batch

CHANNELS = 256
"""At most so many channels are tried: those that vary most (Faster Score-CAM)."""


def maps(batch: Batch) -> np.ndarray:
    """Return maps (B, h, w) of the feature map's size, 0 or more. Takes a forward pass a channel.

    Written here: tf-keras-vis holds the image once for each channel in memory.
    """
    return np.stack([_map(batch, number) for number in range(len(batch.images))])


def _map(batch: Batch, number: int) -> np.ndarray:
    image, features = batch.images[number], batch.features[number]
    chosen = np.argsort(-features.std(axis=(0, 1)), kind="stable")[:CHANNELS]
    weights = []
    for start in range(0, len(chosen), batch.size):
        masks = [_mask(features[..., k], image.shape) for k in chosen[start : start + batch.size]]
        masked = image * np.stack(masks)[..., None]
        targets = np.full(len(masked), batch.targets[number])
        weights.append(batch.model.probabilities(masked, targets))
    return np.maximum(features[..., chosen] @ np.concatenate(weights), 0)


def _mask(channel: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return a channel at the image's size, from 0 to 1."""
    mask = cv2.resize(channel, shape[1::-1], interpolation=cv2.INTER_LINEAR)
    mask -= mask.min()
    return mask / max(mask.max(), np.finfo(np.float32).eps)
