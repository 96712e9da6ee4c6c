"""A network of two convolutions with weights of its own, for maps that are checked by hand."""

import keras
import numpy as np

SIZE = (24, 20)


def network(activation=None, keepdims=False, classes=3) -> keras.Model:
    keras.utils.set_random_seed(3)
    inputs = keras.Input((*SIZE, 3))
    x = keras.layers.Conv2D(8, 3, strides=2, padding="same")(inputs)
    x = keras.layers.Conv2D(6, 3, strides=2, activation="relu", padding="same", name="conv")(x)
    features = keras.layers.Activation("relu", name="features")(x)
    x = keras.layers.GlobalAveragePooling2D(keepdims=keepdims)(features)
    x = keras.layers.Flatten()(x) if keepdims else x
    outputs = keras.layers.Dense(classes, activation=activation, name="head")(x)
    return keras.Model(inputs, outputs, name="small")


def noise(count: int = 5) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(count, *SIZE, 3)).astype(np.float32)
