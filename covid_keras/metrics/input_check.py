"""Whether images are like those that a network was trained on.

Distances are those of a normal distribution with a shrunk covariance (Ledoit and Wolf 2004). All
limits are set on val, so that few of its images are warned of.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from covid_keras.images.appearance import TURNED, layout, tones

RATE = 0.05
"""Share of val images that may be warned of, by all limits together."""
FAR = 1.5
"""An image is not answered if a distance is more than this many times its limit."""
LEAST = 20
"""Images of train, and of val, that limits need."""
AXES = 32
"""Directions of a distribution that are kept; all others count as equally wide."""
DISTANCES = {
    "layout": "its edges are not placed as in the training images",
    "features": "the network's features of it are unlike those of the training images",
}
"""{distance: what a large one means}."""
TURN = "turned"
TONES = {
    "sharpness": ("blurred", "noisy", 0.0),
    "brightness": ("dark", "bright", 0.0),
    "contrast": ("low in contrast", "high in contrast", 0.0),
    "side": ("small", "large", float(np.log(1.5))),
    "shape": ("narrow", "wide", float(np.log(1.1))),
}
"""{number: (what a low value means, and a high one, how far beyond val is still as usual)}."""


@dataclass(frozen=True)
class Normal:
    """A normal distribution of vectors (D,), wide along some axes and round in the others."""

    mean: np.ndarray
    """float32 (D,)."""
    scale: np.ndarray
    """float32 (D,), the standard deviations."""
    axes: np.ndarray
    """float32 (D, A), of the scaled vectors."""
    variances: np.ndarray
    """float32 (A,), along the axes."""
    rest: float
    """The mean variance in all other directions."""

    def scaled(self, vectors: np.ndarray) -> np.ndarray:
        """Return vectors (N, D) with mean 0 and standard deviation 1."""
        return (vectors - self.mean) / self.scale

    def distance(self, vectors: np.ndarray) -> np.ndarray:
        """Return the Mahalanobis distance (N,) of vectors (N, D)."""
        scaled = self.scaled(vectors)
        along = scaled @ self.axes
        others = (scaled**2).sum(axis=1) - (along**2).sum(axis=1)
        return np.sqrt((along**2 / self.variances).sum(axis=1) + others.clip(0) / self.rest)


@dataclass(frozen=True)
class Looks:
    """What is compared of N images."""

    layout: np.ndarray
    """(N, 128), see `images.appearance`."""
    features: np.ndarray
    """(N, D), the network's pooled features."""
    tones: np.ndarray
    """(N, 5), in the order of `TONES`: sharpness, mean and standard deviation of the grey levels of
    the image as the network takes it, logarithm of the longer side and of width by height of the
    file's image."""


def looks_of(
    images: Sequence[np.ndarray], sizes: Sequence[tuple[int, int]], features: np.ndarray
) -> Looks:
    """Return what is compared of N images.

    Args:
        images: uint8 (h, w), as the network takes them.
        sizes: width and height of the files' images.
        features: (N, D), the network's pooled features.
    """
    numbers = [tones(image, *size) for image, size in zip(images, sizes, strict=True)]
    return Looks(np.stack([layout(image) for image in images]), features, np.array(numbers))


@dataclass(frozen=True)
class Finding:
    """What is strange about one image."""

    reasons: tuple[str, ...]
    """In words; none where it is like the training images."""
    far: bool
    """Whether it is too far from them to be answered."""


@dataclass(frozen=True)
class InputCheck:
    """What images of one network are compared with."""

    layout: Normal
    features: Normal
    turns: np.ndarray
    """float32 (128 + 1, 1 + T): the weights that tell an image from its T turned copies, from the
    scaled layout and 1; the upright image is the first column, then as in `TURNED`."""
    limits: dict[str, float]
    """{score: the highest without a warning}."""
    images: int
    """Images of val that the limits were set on."""
    false_alarms: float
    """Share of them with a warning."""

    def scores(self, looks: Looks) -> dict[str, np.ndarray]:
        """Return {limit: (N,), higher is stranger}."""
        scores = {
            "layout": self.layout.distance(looks.layout),
            "features": self.features.distance(looks.features),
            TURN: 1 - self.turn_shares(looks.layout)[:, 0],
        }
        for tone, (low, high, _) in zip(looks.tones.T, TONES.values(), strict=True):
            scores |= {low: -tone, high: tone}
        return scores

    def turn_shares(self, layouts: np.ndarray) -> np.ndarray:
        """Return the probability (N, 1 + T) of being upright, and of each turn."""
        logits = self.layout.scaled(layouts) @ self.turns[:-1] + self.turns[-1]
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        return shares / shares.sum(axis=1, keepdims=True)

    def findings(self, looks: Looks) -> list[Finding]:
        """Return what is strange about each image."""
        scores = self.scores(looks)
        turns = np.array([*TURNED])[self.turn_shares(looks.layout)[:, 1:].argmax(axis=1)]
        found = []
        for row, turn in enumerate(turns):
            over = [name for name in self.limits if scores[name][row] > self.limits[name]]
            far = any(scores[name][row] > FAR * self.limits[name] for name in DISTANCES)
            found.append(Finding(tuple(_words(name, turn) for name in over), far))
        return found


def fit(train: Looks, turned: Sequence[np.ndarray], val: Looks) -> InputCheck:
    """Fit the distributions to train images and the limits to val images.

    Args:
        turned: for each of `TURNED`, the layouts (N, 128) of the train images made so.
    """
    layout, features = normal(train.layout), normal(train.features)
    turns = _turn_weights([layout.scaled(each) for each in (train.layout, *turned)])
    check = InputCheck(layout, features, turns, {}, len(val.layout), 0.0)
    scores = check.scores(val)
    limits = _limits(scores, check.scores(train))
    for low, high, margin in TONES.values():
        limits |= {low: limits[low] + margin, high: limits[high] + margin}
    limits[TURN] = max(limits[TURN], 0.5)  # upright while that is more likely than not
    warned = _above(limits, scores)
    return InputCheck(layout, features, turns, limits, len(warned), float(warned.mean()))


def normal(vectors: np.ndarray) -> Normal:
    """Fit a normal distribution to vectors (N, D)."""
    # These take a second to import, and comparing does not need them.
    from scipy.linalg import svd
    from sklearn.covariance import ledoit_wolf_shrinkage

    count, width = vectors.shape
    mean, scale = vectors.mean(axis=0), vectors.std(axis=0)
    scale = scale + max(1e-3 * float(vectors.std()), 1e-6)  # what never varied may vary a little
    scaled = (vectors - mean) / scale
    shrinkage = ledoit_wolf_shrinkage(scaled, assume_centered=True)
    _, lengths, axes = svd(scaled, full_matrices=False)
    variances = np.zeros(width)
    variances[: len(lengths)] = lengths**2 / count
    variances = (1 - shrinkage) * variances + shrinkage * variances.mean()
    kept = min(AXES, len(lengths), width - 1)
    rest, floor = variances[kept:].mean(), max(variances[0] * 1e-6, 1e-9)
    variances = variances[:kept].clip(floor)
    parts = (part.astype(np.float32) for part in (mean, scale, axes[:kept].T, variances))
    return Normal(*parts, float(max(rest, floor)))


def _turn_weights(scaled: Sequence[np.ndarray]) -> np.ndarray:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    which = np.repeat(np.arange(len(scaled)), [len(each) for each in scaled])
    model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
    model.fit(np.concatenate(scaled), which)
    return np.vstack([model.coef_.T, model.intercept_]).astype(np.float32)


def _limits(val: dict[str, np.ndarray], train: dict[str, np.ndarray]) -> dict[str, float]:
    """Return the lowest limits, all at one quantile, that warn of at most `RATE` of val together.

    Of what is fitted to train, the quantiles are those of val, else those of both.
    """
    fitted = (*DISTANCES, TURN)
    known = {
        name: values if name in fitted else np.concatenate([values, train[name]])
        for name, values in val.items()
    }
    count = len(val[TURN])
    best: dict[str, float] = {}
    for above in range(count):  # so many images of val are about above each limit
        share = 1 - above / count
        limits = {
            name: float(np.quantile(values, share, method="higher"))
            for name, values in known.items()
        }
        if _above(limits, val).mean() > RATE:
            break
        best = limits
    return best


def _above(limits: dict[str, float], scores: dict[str, np.ndarray]) -> np.ndarray:
    """Return whether any score is above its limit, (N,) bool."""
    return np.any([scores[name] > limit for name, limit in limits.items()], axis=0)


def _words(name: str, turn: str) -> str:
    if name in DISTANCES:
        return DISTANCES[name]
    return f"looks {turn if name == TURN else name}"
