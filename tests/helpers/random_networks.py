"""Small networks with random weights, and how far two of them differ."""

import keras
import numpy as np
from keras import layers

from covid_keras.models.bit import resnet_v2


def randomise(model: keras.Model) -> keras.Model:
    """Weights and statistics under which no normalisation is the identity, seeded."""
    generator = np.random.default_rng(0)
    for variable in model.variables:
        shape, name = variable.shape, variable.path.split("/")[-1]
        if name == "moving_variance":
            value = generator.uniform(0.3, 3, shape)
        elif name == "gamma":
            value = generator.choice([-1, 1], shape) * generator.uniform(0.5, 1.5, shape)
        elif name in ("beta", "bias", "moving_mean"):
            value = generator.normal(0, 0.3, shape)
        elif name == "seed_generator_state":
            continue
        else:
            value = generator.normal(0, 1.4 / np.sqrt(max(1, np.prod(shape[:-1]))), shape)
        variable.assign(value)
    return model


def images(model: keras.Model, size: tuple[int, int] | None = None) -> np.ndarray:
    height, width, channels = model.input_shape[1:]
    shape = (2, *(size or (height, width)), channels)
    return np.random.default_rng(1).normal(0, 1, shape).astype("float32")


def difference(model: keras.Model, folded: keras.Model, x: np.ndarray) -> float:
    """The largest of all outputs, relative to the largest output."""
    both = (keras.tree.flatten(network(x, training=False)) for network in (model, folded))
    differences = []
    for expected, found in zip(*both, strict=True):
        expected, found = (
            keras.ops.convert_to_numpy(y).astype("float64") for y in (expected, found)
        )
        assert found.shape == expected.shape and expected.std() > 0
        differences.append(np.abs(found - expected).max() / np.abs(expected).max())
    return max(differences)


def count(model: keras.Model, kind: type) -> int:
    return sum(isinstance(layer, kind) for layer in model.layers)


def bit(size: tuple[int | None, int | None] = (64, 64), units=(1, 1, 1, 1)) -> keras.Model:
    """BiT with few units a block and the linear head's layers."""
    inputs = keras.Input((*size, 3), name="image")
    x = resnet_v2(inputs, units, 1)
    x = layers.GlobalAveragePooling2D(name="pool", dtype="float32")(x)
    x = layers.Dropout(0.4, name="head.dropout", dtype="float32")(x)
    return keras.Model(inputs, layers.Dense(3, name="head", dtype="float32")(x), name="bit")
