"""Protocol C: BiT ResNet-50x1 on COVIDx CXR-2 with balanced batches."""

import dataclasses
from pathlib import Path

from covid_keras.recipes.config import Augmentation, Data, Input, Model, Recipe
from covid_keras.recipes.ct_bit import CT_BIT
from covid_keras.utils.files import read_toml

_TABLES = read_toml(Path(__file__).with_suffix(".toml"))

CXR_BIT = Recipe(
    name="cxr-bit",
    title="X-ray, BiT ResNet-50x1 with balanced batches on COVIDx CXR-2 (protocol C)",
    citation=_TABLES["citation"],
    data=Data(dataset="covidx-cxr-8b", balance=True),
    input=Input(resize=512, crop=480, box="none"),
    augmentation=Augmentation(flip=True, mixup=0.1),
    model=Model(name="bit_r50x1", weights="bit-m", activation="sigmoid"),
    training=dataclasses.replace(CT_BIT.training, schedule=(500, 1_500, 3_000, 4_500, 10_000)),
    quick=CT_BIT.quick,
    phantom=_TABLES["phantom"],
)

SCHEDULES = tuple(map(tuple, _TABLES["schedules"]))
FEW_IMAGES: list[int] = _TABLES["few_images"]
"""Training images per class."""
PAPER: dict[str, list[float | str]] = _TABLES["paper"]
"""Accuracy, sensitivity, PPV, specificity, NPV, AUC on test in percent, of the positive class."""
