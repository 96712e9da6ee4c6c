"""Protocol A: BiT ResNet-50x1 on COVIDx CT-2A."""

from covid_keras.recipes.base import Augmentation, Data, Input, Model, Recipe, Training

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
    quick={
        "input.resize": 112,
        "input.crop": 96,
        "training.batch": 16,
        "training.steps": 200,
        "training.eval_every": 40,
        "training.learning_rate": 0.01,
    },
)
