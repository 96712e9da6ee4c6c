"""How faithful an embedding is: of itself, of noise, and where nothing can be said."""

import numpy as np
import pytest

from covid_keras.metrics.embedding import SAMPLE, embedding_quality, quality_text


def clouds(images: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Two clouds far apart, and which of them each point is in."""
    labels = np.arange(images) % 2
    return np.random.default_rng(0).normal(size=(images, 2)) + 20 * labels[:, None], labels


def test_an_embedding_that_keeps_all_neighbours_is_trusted():
    points, labels = clouds()
    found = embedding_quality(points, points, labels)
    assert found["images"] == 60 and found["trustworthiness"] == pytest.approx(1)
    assert found["silhouette_features"] == found["silhouette_points"] > 0.8


def test_an_embedding_of_noise_is_not():
    points, labels = clouds()
    noise = np.random.default_rng(1).normal(size=points.shape)
    found = embedding_quality(points, noise, labels)
    assert found["trustworthiness"] < 0.7 and found["silhouette_points"] < 0.2


def test_one_class_has_no_silhouette():
    points, _ = clouds()
    found = embedding_quality(points, points, np.zeros(60))
    assert found["silhouette_points"] is None
    assert "in the figure undefined (60 images)." in quality_text(found)


def test_many_images_are_sampled():
    points, labels = clouds(SAMPLE + 10)
    assert embedding_quality(points, points, labels)["images"] == SAMPLE
