"""Linear probes: how well an attribute of the patient or the scanner can be read from features.

After Glocker et al. (2023), "Algorithmic encoding of protected characteristics in chest X-ray
disease detection models", eBioMedicine 89, 104467.
"""

import warnings
from dataclasses import replace

import numpy as np
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from covid_keras.metrics.intervals import Estimate, auc_estimate, mean_estimate

FOLDS = 5
COMPONENTS = 64
"""Principal components at most, where there are more features than half of the images."""
WIDER = (1 + FOLDS / (FOLDS - 1)) ** 0.5
"""The probes of the folds share most of their patients, and so their errors: the intervals are
wider than those of one network by this factor (Nadeau and Bengio 2003)."""
LEAST_PATIENTS = 10
"""Values that fewer patients have are left out."""


def probed_values(
    values: np.ndarray, clusters: np.ndarray, least: int = LEAST_PATIENTS
) -> dict[str, int]:
    """Return {value: its patients}, sorted, of the values that `least` or more have.

    Args:
        values: (N,) str, "" where unknown.
        clusters: (N,) int, the patient of each image.
    """
    patients = {value: len(np.unique(clusters[values == value])) for value in np.unique(values)}
    return {str(v): count for v, count in patients.items() if v and count >= least}


def probe(
    features: np.ndarray, values: np.ndarray, clusters: np.ndarray, seed: int = 0
) -> Estimate:
    """Return the AUC with which logistic regression reads an attribute from features.

    Every image is scored by a probe that was fitted on other patients (five folds). Of several
    values it is the mean of each value one-vs-rest. Chance is 0.5.

    Args:
        features: (N, D) float.
        values: (N,) str, two different ones or more, each of five patients or more.
        clusters: (N,) int, the patient of each image.
        seed: of the folds and the principal components.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> scanner = np.array(["A", "B"] * 40)
        >>> features = rng.normal(size=(80, 4)) + (scanner == "A")[:, None]
        >>> probe(features, scanner, np.arange(80)).value > 0.8
        True
    """
    names = np.unique(values)
    scores = _scores_of_others(features, values, clusters, seed)
    read = names[1:] if len(names) == 2 else names
    places = np.searchsorted(names, read)
    areas = [auc_estimate(values == names[k], scores[:, k], clusters) for k in places]
    mean = mean_estimate(areas)
    return replace(mean, influence=WIDER * mean.influence)


def _scores_of_others(
    features: np.ndarray, values: np.ndarray, clusters: np.ndarray, seed: int
) -> np.ndarray:
    """Return (N, V) the probability of each value, by a probe fitted on other patients."""
    names = np.unique(values)
    scores = np.zeros((len(values), len(names)))
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ConvergenceWarning)
        for train, rest in folds.split(features, values, clusters):
            model = _model(*features[train].shape, seed).fit(features[train], values[train])
            known = np.searchsorted(names, model.classes_)
            scores[np.ix_(rest, known)] = model.predict_proba(features[rest])
    return scores


def _model(images: int, size: int, seed: int):
    steps = [StandardScaler()]
    if size > images / 2:
        steps.append(PCA(max(1, min(COMPONENTS, images // 2)), random_state=seed))
    # Balanced: else a fold that lacks a value would lower its scores, and the AUC of chance.
    regression = LogisticRegression(C=0.1, max_iter=300, class_weight="balanced")
    return make_pipeline(*steps, regression)
