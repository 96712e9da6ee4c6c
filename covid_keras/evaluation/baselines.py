"""Rules that never see the lungs: what they score is what a network's score may be made of."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from covid_keras.audit.inventory import BOX_COLUMNS, OF_PIXELS
from covid_keras.metrics.intervals import wilson

MOST_CATEGORIES = 200
"""Rarer values of a column count as one."""
MOST_IMAGES = 20_000
"""Training images of the thumbnail baselines; more are drawn down to so many."""
COMPONENTS = 64
WHOLE = "whole of the thumbnail"
BORDER = 3
"""Width of the border in pixels of the thumbnail, about a tenth of its side."""
CENTRE = 0.6
"""Share of each side that is blacked out in the middle."""


@dataclass(frozen=True)
class Baseline:
    """What one rule scores on the test split."""

    name: str
    right: int
    images: int
    low: float
    """Of accuracy's 95 % interval (Wilson)."""
    high: float
    balanced: float
    """Mean of the classes' sensitivities."""
    auc: float
    """Of the positive class, or the mean over classes against the rest."""

    @property
    def accuracy(self) -> float:
        """In [0, 1]."""
        return self.right / self.images

    @property
    def blind(self) -> bool:
        """Whether nothing of what it reads depends on the middle of the image."""
        return self.name not in (*OF_PIXELS, WHOLE)


def metadata_baselines(
    properties: pd.DataFrame, records: pd.DataFrame, classes: Sequence[str], seed: int = 0
) -> list[Baseline]:
    """The commonest class, each column by itself, the boxes, all columns together; and, after them
    and not among them, those that depend on the pixels.

    Fitted on train with gradient-boosted trees, scored on test.

    Args:
        properties: from `inventory.properties`, in the order of `records`.
        records: with train and test images of every class.
        classes: their names.
    """
    free = [name for name in properties if name not in OF_PIXELS]
    columns = {name: [name] for name in free if name not in BOX_COLUMNS}
    if boxes := [name for name in free if name in BOX_COLUMNS]:
        columns["box"] = boxes
    if len(columns) > 1:
        columns["all of these"] = free
    columns |= {name: [name] for name in properties if name in OF_PIXELS}
    found = [_commonest(records, classes)]
    for name, chosen in columns.items():
        rule = _trees(properties[chosen], seed)
        found.append(_score(name, rule, properties[chosen], records, classes))
    return found


def fitted_probabilities(
    properties: pd.DataFrame, records: pd.DataFrame, classes: Sequence[str], seed: int = 0
) -> np.ndarray:
    """(n, K): what the rule on all columns, fitted on train, says of the n test images."""
    return _fitted(_trees(properties, seed), properties, records, classes)


def thumbnail_baselines(
    thumbnails: np.ndarray, records: pd.DataFrame, classes: Sequence[str], seed: int = 0
) -> list[Baseline]:
    """The border alone, the image with its centre blacked out, and the whole thumbnail.

    Principal components and logistic regression, fitted on train, scored on test.

    Args:
        thumbnails: uint8 (N, h, w), in the order of `records`.
    """
    views = {f"{name} of the thumbnail": mask for name, mask in masks(thumbnails.shape[1]).items()}
    kept = _drawn(records, MOST_IMAGES, seed)
    records, thumbnails = records[kept], thumbnails[kept]
    found = []
    for name, mask in views.items():
        pixels = thumbnails[:, mask].astype(np.float32)
        components = min(COMPONENTS, *(np.array(pixels.shape) // 2))
        rule = make_pipeline(
            StandardScaler(),
            PCA(max(1, components), random_state=seed),
            StandardScaler(),
            LogisticRegression(max_iter=500, C=0.1),
        )
        found.append(_score(name, rule, pixels, records, classes))
    return found


def masks(side: int) -> Mapping[str, np.ndarray]:
    """{what is seen: bool (side, side)}."""
    place = np.arange(side)
    edge = np.minimum(place, side - 1 - place)
    nearest = np.minimum.outer(edge, edge)
    hidden = round(side * (1 - CENTRE) / 2)
    return {
        "border": nearest < BORDER,
        "outside of the centre": nearest < hidden,
        "whole": np.ones((side, side), bool),
    }


def _trees(properties: pd.DataFrame, seed: int):
    words = [c for c in properties if not pd.api.types.is_numeric_dtype(properties[c])]
    encoder = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=-1, max_categories=MOST_CATEGORIES
    )
    encode = ColumnTransformer([("words", encoder, words)], remainder="passthrough")
    trees = HistGradientBoostingClassifier(
        max_iter=50,
        learning_rate=0.3,
        min_samples_leaf=5,
        early_stopping=False,
        categorical_features=list(range(len(words))) or None,
        random_state=seed,
    )
    return make_pipeline(encode, trees)


def _commonest(records: pd.DataFrame, classes: Sequence[str]) -> Baseline:
    train, test = (records.loc[records["split"] == split, "label"] for split in ("train", "test"))
    predicted = np.full(len(test), train.mode()[0])
    return _baseline("the commonest class", test, predicted, None, classes)


def _score(name: str, rule, inputs, records: pd.DataFrame, classes: Sequence[str]) -> Baseline:
    outputs = _fitted(rule, inputs, records, classes)
    predicted = np.asarray(classes)[outputs.argmax(axis=1)]
    true = records.loc[records["split"] == "test", "label"]
    return _baseline(name, true, predicted, outputs, classes)


def _fitted(rule, inputs, records: pd.DataFrame, classes: Sequence[str]) -> np.ndarray:
    """(n, K): what the rule, fitted on train, says of the n test images; 0 for classes that train
    does not have."""
    train, test = ((records["split"] == split).to_numpy() for split in ("train", "test"))
    # One thread: on a busy machine the threads of OpenMP wait for one another, forty times as long.
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ConvergenceWarning)
        rule.fit(inputs[train], records.loc[train, "label"])
        outputs = rule.predict_proba(inputs[test])
    known = pd.DataFrame(outputs, columns=list(rule.classes_))
    return known.reindex(columns=list(classes), fill_value=0.0).to_numpy()


def _baseline(name, true: pd.Series, predicted, outputs, classes: Sequence[str]) -> Baseline:
    right = int((true.to_numpy() == predicted).sum())
    low, high = wilson(right, len(true))
    return Baseline(
        name=name,
        right=right,
        images=len(true),
        low=low,
        high=high,
        balanced=float(balanced_accuracy_score(true, predicted)),
        auc=0.5 if outputs is None else _auc(true, outputs, classes),
    )


def _auc(true: pd.Series, outputs: np.ndarray, classes: Sequence[str]) -> float:
    if len(classes) == 2:
        return float(roc_auc_score(true == classes[1], outputs[:, 1]))
    each = [roc_auc_score(true == label, outputs[:, k]) for k, label in enumerate(classes)]
    return float(np.mean(each))


def _drawn(records: pd.DataFrame, most: int, seed: int) -> np.ndarray:
    """bool (N,): all but train's images beyond `most`, drawn at random."""
    train = np.flatnonzero(records["split"] == "train")
    kept = np.ones(len(records), bool)
    if len(train) > most:
        kept[np.random.default_rng(seed).permutation(train)[most:]] = False
    return kept
