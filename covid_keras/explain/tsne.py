"""t-SNE of penultimate features (van der Maaten and Hinton 2008)."""

import numpy as np
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from covid_keras.utils.errors import InputError

FEWEST = 5


def tsne(features: np.ndarray, seed: int = 0, perplexity: float = 30.0) -> np.ndarray:
    """Return a two-dimensional embedding of features, initialised with principal components.

    Uses one thread: on busy cores scikit-learn's threads wait for each other.

    Args:
        features: (N, D) float32, one pooled feature vector per image; N >= 5.
        seed: Of the embedding.
        perplexity: About the number of neighbours that count; at most a third of N - 1 is used.

    Returns:
        (N, 2) float32. The axes have no unit; distances between clusters have no meaning.

    Raises:
        InputError: Another shape, fewer than five images, or values that are not finite.
    """
    features = np.asarray(features, dtype=np.float32)
    if features.ndim != 2 or len(features) < FEWEST:
        shape = f"(N, D) with N >= {FEWEST}"
        raise InputError(f"t-SNE: expected features of shape {shape}. Received: {features.shape}")
    if not np.isfinite(features).all():
        raise InputError("t-SNE: expected finite features. Received: NaN or infinity")
    perplexity = min(perplexity, (len(features) - 1) / 3)
    embedding = TSNE(init="pca", perplexity=perplexity, random_state=seed)
    with threadpool_limits(1):
        return embedding.fit_transform(features)
