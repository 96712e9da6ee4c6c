"""The t-SNE figure of a run's features, of the images that the paper shows."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from covid_keras.figures.canvas import save
from covid_keras.figures.embedding import tsne_figure
from covid_keras.metrics.embedding import embedding_quality, quality_text
from covid_keras.pipeline.samples import Samples
from covid_keras.runs.explained import TILE, write_embedding
from covid_keras.runs.inference import Trained, features
from covid_keras.runs.run import Run
from covid_keras.utils.console import say
from covid_keras.utils.errors import InputError

TILES = 300
"""Images at most that the page of the run shows at their points."""
FEWEST = 5
"""Images of a t-SNE at least."""
EXACT, COMPONENTS, PERPLEXITY = 10_000, 50, 30.0
SHOWN = {"": ("train", "test"), "test": ("test",), "all": ("train", "val", "test")}
"""{`Recipe.tsne`: the splits that are drawn}."""
JOINED = {"train": "train and val", "val": "train and val", "test": "test"}
"""Names of the splits of an entire data set."""


def features_figure(run: Run, trained: Trained) -> Path | None:
    """Draw the pooled features of all images that `Recipe.tsne` names; keep them for the page.

    Returns:
        The path figures/tsne.png, or None, and say why, where the images have no t-SNE.
    """
    shown = trained.recipe.tsne
    records = run.split(*SHOWN[shown])
    samples = trained.samples(records, run.data_root())
    pooled = features(trained, samples)
    try:
        points = tsne(pooled, trained.recipe.seed)
    except InputError as error:
        say(f"no figure of the features: {error}")
        return None
    path, seed = run.figures / "tsne.png", trained.recipe.seed
    quality = embedding_quality(pooled, points, samples.labels, seed)
    _keep(run, samples, points, quality, seed)
    method = f"{pooled.shape[1]:,} features per image; perplexity {PERPLEXITY:g}"
    if len(points) > EXACT:
        method += f", on {COMPONENTS} principal components, approximated by openTSNE"
    figure = tsne_figure(
        points,
        records["label"].tolist(),
        split_names(records["split"].tolist(), shown),
        trained.classes,
        trained.stamps,
        by_split=shown == "all",
        method=f"{method}. {quality_text(quality)}",
    )
    save(figure, path)
    return path


def _keep(run: Run, samples: Samples, points: np.ndarray, quality: dict, seed: int) -> None:
    """Write the points, and small images of some of them, test images first."""
    records = samples.records
    drawn = np.random.default_rng(seed).permutation(len(records))
    order = drawn[np.argsort((records["split"] != "test").to_numpy()[drawn], kind="stable")]
    tiled = np.sort(order[:TILES])
    tile = np.full(len(records), -1)
    tile[tiled] = np.arange(len(tiled))
    table = records[["image", "label", "split"]].assign(x=points[:, 0], y=points[:, 1], tile=tile)
    write_embedding(run, table, quality, np.stack([_tile(samples.read(row)) for row in tiled]))


def _tile(image: np.ndarray) -> np.ndarray:
    """Return an image as a square of `TILE` pixels, black beside it."""
    return np.asarray(ImageOps.pad(Image.fromarray(image), (TILE, TILE)))


def split_names(splits: Sequence[str], shown: str) -> list[str]:
    """Return what the figure calls the split of each image: with `shown` all, val is in train."""
    joined = shown == "all" and "val" in splits
    return [JOINED[split] for split in splits] if joined else list(splits)


def tsne(
    features: np.ndarray, seed: int = 0, perplexity: float = PERPLEXITY, exact: int = EXACT
) -> np.ndarray:
    """Return the t-SNE (van der Maaten and Hinton 2008) of features, from principal components.

    Uses one thread: on busy cores scikit-learn's threads wait for each other. More than `exact`
    images are embedded by openTSNE's approximation, from their first 50 principal components.

    Args:
        features: (N, D), one pooled feature vector per image; N >= 5. Their scale is of no matter.
        seed: Of the embedding.
        perplexity: About the number of neighbours that count; at most a third of N - 1 is used.
        exact: Most images that scikit-learn embeds.

    Returns:
        (N, 2) float32. The axes have no unit; distances between clusters have no meaning.

    Raises:
        InputError: Another shape, fewer than five images, values that are not finite, or images
            that all have the same features.
    """
    features = np.asarray(features, dtype=np.float64)
    if features.ndim != 2 or len(features) < FEWEST or not features.size:
        shape = f"(N, D) with N >= {FEWEST}"
        raise InputError(f"t-SNE: expected features of shape {shape}. Received: {features.shape}")
    if not np.isfinite(features).all():
        raise InputError("t-SNE: expected finite features. Received: NaN or infinity")
    features = features / max(1.0, np.abs(features).max())  # their squares do not overflow
    spread = features - features.mean(axis=0)
    if np.abs(spread).max() <= np.finfo(np.float32).eps * np.abs(features).max():
        raise InputError(f"t-SNE: expected features that differ. Received: {len(features)} alike")
    spread = np.pad(spread / np.abs(spread).max(), ((0, 0), (0, features.shape[1] == 1)))
    perplexity = min(perplexity, (len(features) - 1) / 3)
    given = {"perplexity": perplexity, "random_state": seed}
    with threadpool_limits(1):
        if len(spread) <= exact:
            return TSNE(init="pca", **given).fit_transform(spread.astype(np.float32))
        import openTSNE  # slow to import

        parts = PCA(min(COMPONENTS, *spread.shape), random_state=seed).fit_transform(spread)
        return np.asarray(openTSNE.TSNE(**given).fit(parts), dtype=np.float32)
