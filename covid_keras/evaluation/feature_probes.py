"""Probe the features of a run: what they tell of the patient and the scanner besides the class."""

import logging
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder

from covid_keras.evaluation.baselines import run_metadata
from covid_keras.evaluation.known_columns import known_columns
from covid_keras.metrics.comparison import difference
from covid_keras.metrics.intervals import Estimate
from covid_keras.metrics.probes import FOLDS, LEAST_PATIENTS, probe, probed_values
from covid_keras.metrics.scores import age_groups
from covid_keras.runs.inference import Trained, features
from covid_keras.runs.probes_file import write_probes
from covid_keras.runs.run import Run

PROBED = ("source", "sex", "age", "scanner", "manufacturer", "model", "view", "country")
"""Attributes that are probed where they are known."""
MAX_CATEGORIES = 20
"""The rarest values of a column of metadata beyond this number count as one."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Probed:
    """What probes of a split read, and of which patients."""

    inputs: np.ndarray
    """(N, D) float."""
    known: pd.DataFrame
    """(N) rows of str, a column for each attribute."""
    clusters: np.ndarray
    """(N,) int: the patient of each image, or the image where patients are not known."""

    def values(self, name: str, least: int) -> dict[str, int]:
        """Return {value of an attribute: its patients}, of values with `least` or more."""
        if name not in self.known:
            return {}
        return probed_values(self.known[name].to_numpy(str), self.clusters, least)

    def probe(self, name: str, values: list[str]) -> Estimate:
        """Return how well these values of an attribute can be read."""
        all_values = self.known[name].to_numpy(str)
        rows = np.isin(all_values, values)
        return probe(self.inputs[rows], all_values[rows], self.clusters[rows])


def probe_features(run: Run, trained: Trained, control: str | None = None) -> None:
    """Probe the features of the test images for `PROBED`; write shortcuts/probes.json.

    The same probe reads each attribute from the other metadata of the test images too and, to tell
    whether it goes with the class in the training, from the class of the train images.

    Args:
        control: a column that no image can tell, so that it must probe at chance.

    Raises:
        InputError: an image cannot be read.
    """
    records = run.split("test").reset_index(drop=True)
    known, clusters, unit = _known(run, records)
    read = features(trained, trained.samples(records, run.data_root()))
    images = Probed(read, known, clusters)
    classes = _classes(run)
    metadata = run_metadata(run, records)
    found, left_out = {}, {}
    for name in dict.fromkeys([*PROBED, *([control] if control else [])]):
        values = images.values(name, LEAST_PATIENTS)
        if len(values) > 1:
            others = _as_numbers(metadata.drop(columns=name, errors="ignore"))
            beside = Probed(others, known, clusters) if others.size else None
            found[name] = _entry(name, values, images, beside, classes, unit)
        elif name in known:
            left_out[name] = f"fewer than two values of {LEAST_PATIENTS} {unit}s or more in test"
            _log.info("no probe of %s: %s", name, left_out[name])
    result = {"images": len(read), "attributes": found, "left_out": left_out}
    write_probes(run, result | {"negative_control": control})


def _known(run: Run, records: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray, str]:
    """Return the attributes, ages in bands; the patient of each image; what that is."""
    known = known_columns(run, records)
    if "age" in known:
        known["age"] = age_groups(known["age"])
    if records["patient"].eq("").any():
        return known, np.arange(len(records)), "image"
    return known, pd.factorize(records["patient"])[0], "patient"


def _classes(run: Run) -> Probed:
    """Return the class of each train image, as what a probe can read."""
    records = run.split("train").reset_index(drop=True)
    known, clusters, _ = _known(run, records)
    return Probed(pd.get_dummies(records["label"]).to_numpy(float), known, clusters)


def _entry(
    name: str,
    values: dict[str, int],
    images: Probed,
    metadata: Probed | None,
    classes: Probed,
    unit: str,
) -> dict:
    """Return the probe of an attribute as it stands in metrics.json."""
    found = images.probe(name, [*values])
    beside = metadata.probe(name, [*values]) if metadata else None
    lead = difference(beside, found).entry("lead") if beside else {}
    in_train = [value for value in classes.values(name, FOLDS) if value in values]
    return {
        "values": values,
        "auc": found.entry(unit) | dict.fromkeys(("lead", "lead_low", "lead_high")) | lead,
        "from_metadata": beside.entry(unit) if beside else None,
        "from_class": classes.probe(name, in_train).entry(unit) if len(in_train) > 1 else None,
    }


def _as_numbers(table: pd.DataFrame) -> np.ndarray:
    """Return float (N, C): a column for each text and number, and for what is missing."""
    numbers = [name for name in table if pd.api.types.is_numeric_dtype(table[name])]
    words = [name for name in table if name not in numbers]
    encoder = OneHotEncoder(max_categories=MAX_CATEGORIES, sparse_output=False)
    imputer = SimpleImputer(add_indicator=True, keep_empty_features=True)
    parts = ColumnTransformer([("words", encoder, words), ("numbers", imputer, numbers)])
    return np.asarray(parts.fit_transform(table), float)
