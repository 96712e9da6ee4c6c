"""Stamps: the warnings that every output of a run shows."""

import pandas as pd

from covid_keras.datasets import splits
from covid_keras.datasets.source_baseline import CONFOUNDED, source_baseline
from covid_keras.recipes.config import Recipe
from covid_keras.recipes.settings import OWN_DATA, changed_settings

NO_EXTERNAL_TEST = "NO EXTERNAL TEST"
NOT_A_DEVICE = "NOT A MEDICAL DEVICE"
TRAINING_UNKNOWN = "TRAINING DATA UNKNOWN: leaks cannot be found without the table of train"
NO_PATIENTS = "NO PATIENT IDS: images count as independent, the intervals may be too narrow"


def stamps_of(recipe: Recipe, records: pd.DataFrame) -> list[str]:
    """Return the stamps that follow from the recipe and the split alone, most serious first."""
    stamps = []
    if recipe.data.dataset.startswith("phantom"):
        stamps.append("PHANTOM: synthetic images, not patients")
    if splits.is_image_level(records):
        stamps.append(
            "IMAGE-LEVEL SPLIT: one patient may be in train and test; scores are too high"
        )
    baseline = source_baseline(records)
    if baseline and baseline.balanced_accuracy >= CONFOUNDED:
        stamps.append(f"SOURCE-CONFOUNDED: {baseline}")
    if recipe.scaled:
        stamps.append("SCALED to run without a GPU: not the paper's settings")
    if changed := changed_settings(recipe):
        compared = "recipe" if recipe.data.dataset == OWN_DATA else "paper"
        stamps.append(f"CHANGED from the {compared}: {', '.join(changed)}")
    return stamps
