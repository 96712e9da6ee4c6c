"""Protocol A: BiT ResNet-50x1 on COVIDx CT-2A."""

from pathlib import Path

from covid_keras.recipes.config import Augmentation, Data, Input, Model, Recipe, Training
from covid_keras.utils.files import read_toml

_TABLES = read_toml(Path(__file__).with_suffix(".toml"))

CT_BIT = Recipe(
    name="ct-bit",
    title="CT, BiT ResNet-50x1 fine-tuned on COVIDx CT-2A (protocol A)",
    citation=_TABLES["citation"],
    data=Data(dataset="covidx-ct-2a"),
    input=Input(resize=512, crop=480),
    augmentation=Augmentation(flip=True, mixup=0.1),
    model=Model(name="bit_r50x1", weights="bit-m"),
    training=Training(
        batch=64,
        steps=10_000,
        schedule=(500, 3_000, 6_000, 9_000, 10_000),
        learning_rate=0.003,
        momentum=0.9,
        eval_every=100,
    ),
    quick=_TABLES["quick"],
    phantom=_TABLES["phantom"],
)

INITIALISATIONS: dict[str, str] = _TABLES["initialisations"]
"""The paper's initial weights: the paper's name, our name."""
RESOLUTIONS: list[list[int]] = _TABLES["resolutions"]
"""Resize and crop of the hyperparameter study."""
SCHEDULES = tuple(map(tuple, _TABLES["schedules"]))
FEW_IMAGES: list[int] = _TABLES["few_images"]
"""Training images per class."""
PAPER_TEST: dict[str, float] = _TABLES["paper_test"]
"""The main result: accuracy on test, in percent."""
PAPER_INITIALISATION: dict[str, list[float]] = _TABLES["paper_initialisation"]
"""Accuracy on val and on test, in percent."""
PAPER_FEW_IMAGES = {(weights, n): accuracy for weights, n, accuracy in _TABLES["paper_few_images"]}
"""Accuracy on test in percent, as far as the text gives it; the others are in a figure."""
PAPER_CLASSES: dict[str, list[list[float]]] = _TABLES["paper_classes"]
"""Sensitivity, PPV, specificity and NPV on test in percent, each of Normal, CP and NCP."""
