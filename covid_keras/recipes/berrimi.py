"""Protocol D: InceptionV3, DenseNet, and DenseNet with an added convolution, on X-rays and CT."""

import dataclasses

from covid_keras.recipes.config import Augmentation, Data, Input, Model, Recipe, Training

MODELS = {
    "InceptionV3": {"model.name": "inception_v3", "model.head": "dense", "model.dropout": 0.5},
    "DenseNet": {"model.name": "densenet121", "model.head": "linear", "model.dropout": 0.0},
    "DenseNet + convolution": {
        "model.name": "densenet_conv",
        "model.head": "dense",
        "model.dropout": 0.5,
    },
}
"""Settings of the paper's three networks."""

XRAY_3CLASS = Recipe(
    name="xray-3class",
    title="X-ray, three classes, DenseNet with an added convolution (protocol D)",
    citation="Berrimi, Hamdi, Cherif, Moussaoui, Oussalah, Chabane: COVID-19 detection from Xray "
    "and CT scans using transfer learning. WiDSTaif, 2021",
    data=Data(dataset="xray-3class", split="holdout"),
    input=Input(resize=224, crop=224, box="none"),
    # The paper names the augmentations without their strength; see
    # docs/explanation/papers.md.
    augmentation=Augmentation(flip=True, mixup=0, rotation=15.0, zoom=0.1, shift=0.1),
    model=Model(name="densenet_conv", head="dense", dropout=0.5),
    training=Training(
        batch=32,
        steps=0,
        epochs=50,
        schedule=(0, 50),
        learning_rate=1e-4,
        optimizer="adam",
        eval_every=0,
        gradcam=0,
    ),
    variants=tuple(MODELS.values()),
    # Small batches: batch norm needs hundreds of steps for its moving averages.
    phantom={"data.dataset": "phantom-xray", "training.batch": 8, "training.epochs": 20},
    quick={
        "input.resize": 112,
        "input.crop": 112,
        "training.batch": 8,
        "training.epochs": 4,
        "training.learning_rate": 1e-3,
    },
)

CT_2CLASS = dataclasses.replace(
    XRAY_3CLASS,
    name="ct-2class",
    title="CT, two classes, DenseNet with an added convolution (protocol D)",
    data=Data(dataset="sars-cov-2-ct", split="holdout"),
    phantom={
        "data.dataset": "phantom-ct",
        "data.positive": "COVID-19",
        "training.batch": 8,
        "training.epochs": 10,
    },
)

PAPER = {
    "xray-3class": {"InceptionV3": 92.35, "DenseNet": 63.56, "DenseNet + convolution": 85},
    "ct-2class": {"InceptionV3": 84.51, "DenseNet": 60, "DenseNet + convolution": 95.98},
}
"""Accuracy in percent, by recipe and network."""
