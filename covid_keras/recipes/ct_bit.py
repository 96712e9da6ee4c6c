"""Protocol A: BiT ResNet-50x1 on COVIDx CT-2A."""

from covid_keras.recipes.config import Augmentation, Data, Input, Model, Recipe, Training

CT_BIT = Recipe(
    name="ct-bit",
    title="CT, BiT ResNet-50x1 fine-tuned on COVIDx CT-2A (protocol A)",
    citation="Zhao, Jiang, Qiu: Deep learning for COVID-19 detection based on CT images. "
    "Scientific Reports, 2021",
    data=Data(dataset="covidx-ct-2a"),
    input=Input(resize=512, crop=480),
    augmentation=Augmentation(flip=True, mixup=0.1),
    model=Model(name="bit_r50x1"),
    training=Training(
        batch=64,
        steps=10_000,
        schedule=(500, 3_000, 6_000, 9_000, 10_000),
        learning_rate=0.003,
        momentum=0.9,
        eval_every=100,
    ),
    phantom={"data.dataset": "phantom-ct"},
    quick={
        "input.resize": 112,
        "input.crop": 96,
        "training.batch": 16,
        "training.steps": 200,
        "training.eval_every": 40,
        "training.learning_rate": 0.01,
    },
)

INITIALISATIONS = {
    "Random": "",
    "BiT-S": "bit-s",
    "BiT-M": "bit-m",
    "BiT-M-C": "bit-m-cifar10",
    "BiT-M-S": "bit-m-ilsvrc2012",
}
"""The paper's initial weights: the paper's name, our name."""

RESOLUTIONS = ((160, 128), (256, 224), (448, 384), (512, 480))
"""Resize and crop of the hyperparameter study."""

SCHEDULES = (
    (100, 200, 300, 400, 500),
    (500, 1_500, 3_000, 4_500, 5_000),
    (500, 3_000, 6_000, 9_000, 10_000),
    (500, 6_000, 12_000, 18_000, 20_000),
)

FEW_IMAGES = (50, 100, 500, 1_000)
"""Training images per class."""

PAPER_TEST = {"Random": 97.9, "BiT-S": 98.8, "BiT-M": 99.2}
"""The main result: accuracy on test, in percent."""

PAPER_INITIALISATION = {
    "Random": (96.5, 97.7),
    "BiT-S": (97.4, 98.8),
    "BiT-M": (97.9, 99.3),
    "BiT-M-C": (97.7, 99.2),
    "BiT-M-S": (97.6, 98.9),
}
"""Accuracy on val and on test, in percent."""

PAPER_FEW_IMAGES = {("BiT-M", 100): 94.8, ("BiT-M", 1_000): 98.0}
"""Accuracy on test in percent, as far as the text gives it; the others are in a figure."""

PAPER_CLASSES = {
    "Random": ((97.9, 98.6, 96.9), (98.9, 97.5, 96.4), (99.0, 99.0, 98.9), (98.1, 99.4, 99.1)),
    "BiT-S": ((99.0, 99.3, 97.9), (99.6, 97.9, 98.4), (99.6, 99.1, 99.5), (99.1, 99.7, 99.4)),
    "BiT-M": ((99.3, 99.6, 98.7), (99.8, 98.9, 98.5), (99.8, 99.6, 99.5), (99.3, 99.8, 99.6)),
}
"""Sensitivity, PPV, specificity and NPV on test in percent, each of Normal, CP and NCP."""
