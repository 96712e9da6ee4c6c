"""Predictions made from arrays."""

import numpy as np
import pandas as pd

from covid_keras.metrics.predictions import Predictions


def make(labels, probabilities, patients=None, classes=("Normal", "CP", "NCP")) -> Predictions:
    labels = np.asarray(labels)
    table = pd.DataFrame(
        {
            "image": [f"{i}.png" for i in range(len(labels))],
            "label": [classes[k] if k >= 0 else "" for k in labels],
            "patient": [""] * len(labels) if patients is None else [str(p) for p in patients],
            "source": "",
            "fold": "",
        }
    )
    return Predictions(table, classes, labels, np.asarray(probabilities, dtype=np.float64))


def noisy(images: int = 90) -> Predictions:
    """Predictions of three classes, mostly right, with ties; three images per patient."""
    random = np.random.default_rng(0)
    labels = random.integers(3, size=images)
    scores = random.dirichlet([1, 1, 1], size=images) + np.eye(3)[labels] * 0.5
    return make(labels, np.round(scores / 1.5, 2), np.arange(images) // 3)


def two_classes(size: int = 4000, sharpness: float = 1.0, seed: int = 0):
    """Predictions of two classes whose true log-odds are the given ones over `sharpness`."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(0, 2, size)
    labels = (rng.random(size) < 1 / (1 + np.exp(-odds))).astype(int)
    p = 1 / (1 + np.exp(-sharpness * odds))
    return make(labels, np.stack([1 - p, p], axis=1), np.arange(size) // 4, ("No", "Yes"))


def two_networks(better: float, seed: int = 0, patients: int = 60):
    """Two networks on the same patients of four images; the second `better` log-odds apart."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(patients) % 2, 4)
    sign = 2 * labels - 1
    shared = np.repeat(rng.normal(size=patients), 4)
    made = []
    for strength in (1.0, 1.0 + better):
        p = 1 / (1 + np.exp(-(strength * sign + shared + rng.normal(size=len(labels)))))
        ids = np.repeat(np.arange(patients), 4)
        made.append(make(labels, np.stack([1 - p, p], axis=1), ids, ("No", "Yes")))
    return made
