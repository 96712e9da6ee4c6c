"""Protocol C: BiT ResNet-50x1 on COVIDx CXR-2 with balanced batches."""

from covid_keras.recipes.config import Augmentation, Data, Input, Model, Recipe, Training
from covid_keras.recipes.ct_bit import CT_BIT

CXR_BIT = Recipe(
    name="cxr-bit",
    title="X-ray, BiT ResNet-50x1 with balanced batches on COVIDx CXR-2 (protocol C)",
    citation="Zhao, Jiang, Qiu: Fine-Tuning Convolutional Neural Networks for COVID-19 Detection "
    "from Chest X-ray Images. Diagnostics, 2021",
    data=Data(dataset="covidx-cxr-8b", balance=True),
    input=Input(resize=512, crop=480, box="none"),
    augmentation=Augmentation(flip=False, mixup=0.1),
    model=Model(name="bit_r50x1", activation="sigmoid"),
    training=Training(
        batch=64,
        steps=10_000,
        schedule=(500, 1_500, 3_000, 4_500, 10_000),
        learning_rate=0.003,
        momentum=0.9,
        eval_every=100,
    ),
    phantom={"data.dataset": "phantom-xray", "data.positive": "Covid-19"},
    quick=CT_BIT.quick,
)

SCHEDULES = (
    (100, 200, 300, 400, 500),
    (500, 1_500, 3_000, 4_500, 10_000),
    (500, 6_000, 12_000, 18_000, 20_000),
)

FEW_IMAGES = (32, 64, 128, 256, 512)
"""Training images per class."""

PAPER = {
    "ResNet-50": (90.5, 88.5, 92.2, None, None, None),
    "COVID-Net": (94.0, 93.5, 100, None, None, None),
    "COVID-Net CXR-2": (96.3, 95.5, 97.0, 97.0, 95.6, None),
    "Random": (92.8, 85.5, 100, 100, 87.3, 99.5),
    "BiT-S": (94.8, 89.5, 100, 100, 90.5, 99.5),
    "BiT-M": (96.5, 93.0, 100, 100, 93.5, 99.4),
}
"""Accuracy, sensitivity, PPV, specificity, NPV, AUC on test in percent, of the positive class."""
