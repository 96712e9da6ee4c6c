"""Protocol B: twelve networks, each at its own input size, with LAMB, in five folds."""

from pathlib import Path

from covid_keras.recipes.config import Augmentation, Data, Input, Model, Recipe, Training
from covid_keras.utils.files import read_toml

_TABLES = read_toml(Path(__file__).with_suffix(".toml"))

NETWORKS: dict[str, str] = _TABLES["networks"]
"""The paper's networks: our name, the paper's name."""
PAPER: dict[str, dict[str, str]] = _TABLES["paper"]
"""Accuracy, precision, recall, specificity and F1 in percent, mean(std), by dataset and network."""

CT_NETWORKS = Recipe(
    name="ct-networks",
    title="CT, twelve networks at their own input sizes, LAMB, five folds (protocol B)",
    citation=_TABLES["citation"],
    data=Data(dataset="covid19-ct", split="kfold", group="image"),
    input=Input(box="none", fit="canvas"),
    # All but the blur's probability are our values, see docs/explanation/papers.md.
    augmentation=Augmentation(
        flip=True, mixup=0, blur=0.25, noise=10.0, brightness=0.2, contrast=0.2
    ),
    model=Model(name="resnet18", weights="imagenet", head="original", activation="sigmoid"),
    training=Training(
        batch=32,
        epochs=100,
        schedule=(0, 50, 70, 80, 90, 100),
        rates=(3e-4, 1e-4, 3e-5, 1e-5, 3e-6),
        learning_rate=3e-4,
        optimizer="lamb",
        weight_decay=1.0,
        gradcam=0,
    ),
    variants=tuple(
        {"data.dataset": dataset, "model.name": name} for dataset in PAPER for name in NETWORKS
    ),
    quick=_TABLES["quick"],
    phantom=_TABLES["phantom"],
)
