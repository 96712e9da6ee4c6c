"""Predictions: labels and class probabilities of a set of images, the input of every metric."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

FIXED_COLUMNS = ("image", "label", "patient", "source", "fold")


@dataclass(frozen=True)
class Predictions:
    """Predictions of N images and K classes; row i of each member belongs to image i."""

    table: pd.DataFrame
    """N rows of str with the columns `FIXED_COLUMNS`; "" where unknown."""
    classes: tuple[str, ...]
    """The K class names, in the order of the columns of `probabilities`."""
    labels: np.ndarray
    """(N,) int64, index into `classes`; -1 where the label is unknown."""
    probabilities: np.ndarray
    """(N, K) float64 in [0, 1]; each row sums to 1 within 1e-3."""

    @cached_property
    def predicted(self) -> np.ndarray:
        """(N,) int64: the most probable class; the first of equals."""
        return self.probabilities.argmax(axis=1)

    @cached_property
    def confusion_matrix(self) -> np.ndarray:
        """(K, K) int64: number of images by true class (rows) and predicted class (columns)."""
        size = len(self.classes)
        pairs = np.bincount(size * self.labels + self.predicted, minlength=size**2)
        return pairs.reshape(size, size)

    @property
    def patients(self) -> np.ndarray:
        """(N,) patient ids as str, "" where unknown."""
        return self.table["patient"].to_numpy(dtype=str)

    @cached_property
    def has_patients(self) -> bool:
        """Whether every image has a patient id."""
        return bool((self.table["patient"] != "").all())

    @cached_property
    def clusters(self) -> np.ndarray:
        """(N,) int in [0, P): what a bootstrap resamples. The patient of each image, or the image
        itself if an image has no patient id."""
        if not self.has_patients:
            return np.arange(len(self.labels))
        return np.unique(self.patients, return_inverse=True)[1]

    @property
    def folds(self) -> np.ndarray:
        """(N,) str: the fold whose network predicted the image; "" without cross-validation."""
        return self.table["fold"].to_numpy(dtype=str)

    @property
    def unit(self) -> str:
        """What the clusters are: "patient" or "image"."""
        return "patient" if self.has_patients else "image"

    def take(self, rows: np.ndarray) -> "Predictions":
        """Return the given rows, (n,) int or (N,) bool."""
        return replace(
            self,
            table=self.table.loc[rows].reset_index(drop=True),
            labels=self.labels[rows],
            probabilities=self.probabilities[rows],
        )

    @classmethod
    def of_folds(cls, parts: Sequence["Predictions"]) -> "Predictions":
        """Return the predictions of several folds, or of one, as one set.

        The fold of a row is the place of its part, where there are several.
        """
        if len(parts) == 1:
            return parts[0]
        tables = [part.table.assign(fold=str(place)) for place, part in enumerate(parts)]
        labels, probabilities = (
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("labels", "probabilities")
        )
        table = pd.concat(tables, ignore_index=True)
        return cls(table, parts[0].classes, labels, probabilities)
