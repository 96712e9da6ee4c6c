"""Protocol D: InceptionV3, DenseNet, and DenseNet with an added convolution, on X-rays and CT."""

import dataclasses
from pathlib import Path

from covid_keras.recipes.config import Augmentation, Data, Input, Model, Recipe, Training
from covid_keras.utils.files import read_toml

_TABLES = read_toml(Path(__file__).with_suffix(".toml"))

MODELS: dict[str, dict[str, object]] = _TABLES["models"]
"""Settings of the paper's three networks."""
PAPER: dict[str, dict[str, float]] = _TABLES["paper"]
"""Accuracy in percent, by recipe and network."""

XRAY_3CLASS = Recipe(
    name="xray-3class",
    title="X-ray, three classes, DenseNet with an added convolution (protocol D)",
    citation=_TABLES["citation"],
    data=Data(dataset="xray-3class", split="holdout"),
    input=Input(resize=224, crop=224, box="none"),
    # The paper names no strengths, these are ours, see docs/explanation/papers.md.
    augmentation=Augmentation(flip=True, mixup=0, rotation=15.0, zoom=0.1, shift=0.1),
    model=Model(name="densenet_conv", weights="imagenet", head="dense", dropout=0.5),
    training=Training(
        batch=32, epochs=50, schedule=(0, 50), learning_rate=1e-4, optimizer="adam", gradcam=0
    ),
    variants=tuple(MODELS.values()),
    quick=_TABLES["quick"],
    phantom=_TABLES["phantom"]["xray-3class"],
)

CT_2CLASS = dataclasses.replace(
    XRAY_3CLASS,
    name="ct-2class",
    title="CT, two classes, DenseNet with an added convolution (protocol D)",
    data=Data(dataset="sars-cov-2-ct", split="holdout"),
    phantom=_TABLES["phantom"]["ct-2class"],
)
