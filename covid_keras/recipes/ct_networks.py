"""Protocol B: twelve networks, each at its own input size, with LAMB, in five folds."""

from covid_keras.recipes.config import Augmentation, Data, Input, Model, Recipe, Training

NETWORKS = {
    "squeezenet": "SqueezeNet",
    "shufflenet_v2_x0_5": "ShuffleNet",
    "resnet18": "ResNet18",
    "resnet50": "ResNet50",
    "resnet101": "ResNet101",
    "resnext50": "ResNeXt50",
    "resnext101": "ResNeXt101",
    "inception_v3": "InceptionV3",
    "xception": "Xception",
    "densenet121": "DenseNet121",
    "densenet169": "DenseNet169",
    "densenet201": "DenseNet201",
}
"""The paper's networks: our name, the paper's name."""

CT_NETWORKS = Recipe(
    name="ct-networks",
    title="CT, twelve networks at their own input sizes, LAMB, five folds (protocol B)",
    citation="Alshazly, Linse, Barth, Martinetz: Explainable COVID-19 detection using chest CT "
    "scans and deep learning. Sensors, 2021",
    data=Data(dataset="covid19-ct", split="kfold", group="image"),
    input=Input(box="none", fit="canvas"),
    # The paper gives the blur's probability; the other values are ours, see
    # docs/explanation/papers.md.
    augmentation=Augmentation(
        flip=True, mixup=0, blur=0.25, noise=10.0, brightness=0.2, contrast=0.2
    ),
    model=Model(name="resnet18", activation="sigmoid"),
    training=Training(
        batch=32,
        steps=0,
        epochs=100,
        schedule=(0, 50, 70, 80, 90, 100),
        rates=(3e-4, 1e-4, 3e-5, 1e-5, 3e-6),
        learning_rate=3e-4,
        optimizer="lamb",
        weight_decay=1.0,
        eval_every=0,
        gradcam=0,
    ),
    variants=tuple({"model.name": name} for name in NETWORKS),
    phantom={"data.dataset": "phantom-ct", "data.positive": "COVID-19"},
    quick={"input.scale": 0.5, "training.epochs": 10},
)

PAPER = {
    "sars-cov-2-ct": {
        "SqueezeNet": "95.1(1.3) 94.2(2.0) 96.2(1.4) 94.0(2.2) 95.2(1.2)",
        "ShuffleNet": "97.5(0.8) 96.1(1.4) 99.0(0.2) 95.9(1.5) 97.5(0.8)",
        "ResNet18": "98.3(0.8) 97.2(1.2) 99.6(0.3) 97.1(1.4) 98.4(0.7)",
        "ResNet50": "99.2(0.3) 99.1(0.5) 99.4(0.5) 99.1(0.5) 99.2(0.3)",
        "ResNet101": "99.4(0.4) 99.6(0.3) 99.1(0.6) 99.6(0.3) 99.4(0.4)",
        "ResNeXt50": "99.1(0.5) 99.0(0.5) 99.3(0.5) 98.9(0.6) 99.1(0.5)",
        "ResNeXt101": "99.2(0.3) 99.2(0.4) 99.3(0.5) 99.2(0.4) 99.2(0.3)",
        "InceptionV3": "99.1(0.5) 98.5(0.8) 99.8(0.3) 98.5(0.8) 99.1(0.5)",
        "Xception": "98.8(0.6) 99.0(1.0) 98.6(1.1) 98.9(1.1) 98.8(0.6)",
        "DenseNet121": "99.3(0.3) 99.4(0.2) 99.2(0.5) 99.4(0.2) 99.3(0.3)",
        "DenseNet169": "99.3(0.5) 99.4(0.6) 99.3(0.5) 99.3(0.7) 99.3(0.4)",
        "DenseNet201": "99.2(0.2) 99.0(0.4) 99.4(0.2) 98.9(0.4) 99.2(0.2)",
    },
    "covid19-ct": {
        "SqueezeNet": "87.3(3.2) 86.3(6.1) 86.5(2.3) 87.9(6.3) 86.5(3.0)",
        "ShuffleNet": "87.9(2.6) 84.5(2.5) 90.8(3.9) 85.4(2.7) 87.6(2.8)",
        "ResNet18": "90.3(2.5) 87.1(4.1) 93.1(2.5) 87.9(4.9) 90.1(2.3)",
        "ResNet50": "90.8(1.9) 90.2(5.0) 90.0(3.6) 91.4(5.0) 90.1(1.9)",
        "ResNet101": "89.8(2.5) 88.0(3.7) 90.5(1.9) 89.2(3.8) 89.3(2.4)",
        "ResNeXt50": "90.6(2.2) 87.4(3.6) 93.4(3.4) 88.2(4.4) 90.3(2.2)",
        "ResNeXt101": "90.9(1.8) 88.1(3.5) 93.1(2.9) 88.9(4.0) 90.6(1.8)",
        "InceptionV3": "89.4(2.0) 87.7(2.5) 90.0(2.4) 88.9(2.4) 88.8(2.2)",
        "Xception": "88.5(2.6) 87.3(2.7) 88.3(4.7) 88.7(2.9) 87.7(2.9)",
        "DenseNet121": "88.9(1.2) 87.6(2.6) 88.8(1.4) 88.9(2.9) 88.2(1.0)",
        "DenseNet169": "91.2(1.4) 88.1(2.5) 93.7(1.2) 88.9(2.7) 90.8(1.4)",
        "DenseNet201": "92.9(2.2) 91.3(2.2) 93.7(3.4) 92.2(2.2) 92.5(2.4)",
    },
}
"""Accuracy, precision, recall, specificity and F1 in percent, mean(std), by dataset and network."""
