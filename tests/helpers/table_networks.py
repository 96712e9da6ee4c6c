"""Networks of the table, small enough to run, with weights under which their images matter."""

import contextlib

import cv2
import keras
import numpy as np

from covid_keras.models import heads, registry
from covid_keras.models.bit import resnet_v2
from covid_keras.models.create import create_model

CLASSES = 2
WIDE = ("bit_r50x3", "bit_r152x2")
"""BiT's wide networks, built with one unit a block."""


def build(name: str) -> keras.Model:
    """The row's network with a linear head; BiT's wide ones with one unit a block."""
    if name not in WIDE:
        return create_model(name, classes=CLASSES)
    inputs = keras.Input((None, None, 3), name="image")
    features = resnet_v2(inputs, (1, 1, 1, 1), registry.get(name).graph.keywords["width"])
    return keras.Model(inputs, heads.linear(features, CLASSES, None, 0.0), name=name)


def with_features(model: keras.Model) -> keras.Model:
    """The same layers, to the last feature map and the logits."""
    return keras.Model(model.input, [model.get_layer("features").output, model.output])


def blobs(size: tuple[int, int], count: int = 2) -> np.ndarray:
    """Float32 (count, H, W, 3): large smooth spots and a little noise.

    Noise alone looks the same to the deeper layers, whose norms would then amplify rounding.
    """
    generator = np.random.default_rng(size)
    coarse = generator.normal(size=(count, 4, 4, 3))
    fine = 0.1 * generator.normal(size=(count, *size, 3))
    smooth = [cv2.resize(c, size[::-1], interpolation=cv2.INTER_CUBIC) for c in coarse]
    return (smooth + fine).astype(np.float32)


def wake(model: keras.Model) -> None:
    """No zero, no one and no unused statistic among the weights.

    As built, a network's norms pass everything, so that a lost statistic would not be seen, and
    some networks' signal all but vanishes on the way. The statistics are those of a batch, with
    a fifth more variance: without, ResNet-101 makes 1e-4 of the outputs out of float32's rounding.
    """
    generator = np.random.default_rng(1)
    for variable in model.trainable_variables:
        name = variable.path.rsplit("/", 1)[-1]
        if name == "gamma":
            variable.assign(generator.uniform(0.5, 1.5, variable.shape))
        elif name in ("beta", "bias"):
            variable.assign(generator.normal(0, 0.1, variable.shape))
    kernel = model.get_layer("head").kernel
    kernel.assign(generator.normal(0, kernel.shape[0] ** -0.5, kernel.shape))
    momenta = {layer: layer.momentum for layer in norms(model)}
    for layer in momenta:
        layer.momentum = 0.0  # the statistics of this one batch
    if momenta:
        model(blobs((160, 128)), training=True)
    for layer, momentum in momenta.items():
        layer.momentum = momentum
        layer.moving_variance.assign(1.2 * layer.moving_variance)


def norms(model: keras.Model) -> list[keras.layers.BatchNormalization]:
    return [x for x in model.layers if isinstance(x, keras.layers.BatchNormalization)]


def relative(found, expected: np.ndarray) -> float:
    found = np.asarray(found, dtype=np.float32)
    assert found.shape == expected.shape
    return float(np.abs(found - expected).max() / np.abs(expected).max())


@contextlib.contextmanager
def without_weights():
    """Variables made in here have a shape and no memory. Afterwards Keras forgets them, else it
    would initialise them when the next model is built."""
    with keras.StatelessScope(initialize_variables=False):
        yield
    keras.utils.clear_session()


def distance(a, b) -> float:
    """The Euclidean length of the difference."""
    return float(np.linalg.norm(np.asarray(a, np.float32) - np.asarray(b, np.float32)))
