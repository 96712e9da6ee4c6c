"""How faithful a two-dimensional embedding is, and how far apart the classes are in it."""

import numpy as np
from sklearn.manifold import trustworthiness
from sklearn.metrics import silhouette_score

from covid_keras.utils.text import count

SAMPLE = 2_000
"""Images at most: the distances between all of them are in memory."""
NEIGHBOURS = 10


def embedding_quality(
    features: np.ndarray, points: np.ndarray, labels: np.ndarray, seed: int = 0
) -> dict:
    """Return trustworthiness and silhouettes of an embedding, ready for JSON.

    Args:
        features: (N, D), what was embedded.
        points: (N, 2), the embedding.
        labels: (N,) class of each image.
        seed: of the images that are drawn, where there are more than `SAMPLE`.

    Returns:
        images: how many were looked at.
        trustworthiness: 1 if every neighbour in the embedding is one in the features, 0.5 by chance
        (Venna and Kaski 2001; 10 neighbours).
        silhouette_features, silhouette_points: near 1 if the classes are apart, 0 if they overlap,
        below 0 if images are nearer to another class (Rousseeuw 1987).
        None where one is not defined.
    """
    drawn = np.random.default_rng(seed).permutation(len(points))[:SAMPLE]
    features, points, labels = (np.asarray(part)[drawn] for part in (features, points, labels))
    near = min(NEIGHBOURS, (len(drawn) - 1) // 2)
    classes = len(np.unique(labels))
    apart = {
        name: float(silhouette_score(values, labels)) if 1 < classes < len(drawn) else None
        for name, values in (("features", features), ("points", points))
    }
    trusted = float(trustworthiness(features, points, n_neighbors=near)) if near else None
    return {
        "images": len(drawn),
        "trustworthiness": trusted,
        "silhouette_features": apart["features"],
        "silhouette_points": apart["points"],
    }


def quality_text(quality: dict) -> str:
    """Return what `embedding_quality` found, in one line."""
    names = {
        "trustworthiness": "trustworthiness",
        "silhouette_features": "silhouette of the classes in the features",
        "silhouette_points": "in the figure",
    }
    parts = [
        f"{name} {'undefined' if quality[key] is None else format(quality[key], '.2f')}"
        for key, name in names.items()
    ]
    return f"{parts[0].capitalize()}; {', '.join(parts[1:])} ({count(quality['images'], 'image')})."
