"""The folded copy against the network that it comes from: known ones, and random graphs."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tiny  # noqa: F401  registers the network
from keras import layers
from random_networks import bit, count, difference, images, randomise

from covid_keras.models.create import create_model
from covid_keras.models.fold import fold
from covid_keras.models.grouped import GroupedConv2D
from covid_keras.models.layers import GroupNormalization, StandardizedConv2D

OTHERS = {
    "resnet50": (keras.applications.ResNet50, 0),
    "inception_v3": (keras.applications.InceptionV3, 0),
    "xception": (keras.applications.Xception, 0),
    "densenet121": (keras.applications.DenseNet121, 62),
}
"""Builder, and how many batch normalisations stand before their convolution and stay."""


@pytest.mark.parametrize("size", [(64, 64), (65, 97), (50, 33)])
def test_bit_keeps_its_outputs_with_plain_convolutions(size):
    model = randomise(bit((None, None)))
    before = [w.copy() for w in model.get_weights()]
    folded = fold(model)
    assert difference(model, folded, images(model, size)) < 1e-5
    assert count(folded, StandardizedConv2D) == count(folded, layers.Dropout) == 0
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_other_networks_keep_their_outputs(name):
    builder, staying = OTHERS[name]
    model = randomise(builder(weights=None, include_top=False, input_shape=(75, 83, 3)))
    folded = fold(model)
    assert difference(model, folded, images(model)) < 1e-4
    assert count(folded, layers.BatchNormalization) == staying


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bit_r50x1", "resnet18", "resnext50", "shufflenet_v2_x0_5"])
def test_networks_of_the_table_keep_their_outputs(name):
    model = randomise(create_model(name, classes=2, input_shape=(65, 81, 3), dropout=0.3))
    folded = fold(model)
    assert difference(model, folded, images(model)) < 1e-4
    assert count(folded, layers.BatchNormalization) == 0
    for layer in ("image", "features", "pool", "head"):
        expected = model.get_layer(layer).output.shape
        assert folded.get_layer(layer).output.shape == expected


def test_tiny_network_of_the_tests():
    model = randomise(create_model("tiny", classes=2, input_shape=(16, 16, 3), head="original"))
    assert difference(model, fold(model), images(model)) < 1e-5


CONVOLUTIONS = {
    "conv": lambda name: layers.Conv2D(8, 3, padding="same", use_bias=False, name=name),
    "biased": lambda name: layers.Conv2D(8, 3, strides=2, padding="same", name=name),
    "groups": lambda name: layers.Conv2D(8, 3, padding="same", groups=2, name=name),
    "own groups": lambda name: GroupedConv2D(8, 3, 2, groups=2, name=name),
    "depthwise": lambda name: layers.DepthwiseConv2D(3, depth_multiplier=2, name=name),
    "separable": lambda name: layers.SeparableConv2D(8, 3, use_bias=False, name=name),
    "dense": lambda name: layers.Dense(8, use_bias=False, name=name),
    "standardised": lambda name: StandardizedConv2D(8, 3, 2, name=name),
}


def conv_norm(x, kind: str, name: str, **norm):
    """One layer of the kind with a batch normalisation behind it."""
    return layers.BatchNormalization(name=f"{name}.norm", **norm)(CONVOLUTIONS[kind](name)(x))


@pytest.mark.parametrize("norm", [{}, {"scale": False}, {"center": False, "epsilon": 0.1}])
@pytest.mark.parametrize("kind", CONVOLUTIONS)
def test_every_kind_takes_the_norm_behind_it(kind, norm):
    inputs = keras.Input((13, 11, 4))
    outputs = layers.ReLU()(conv_norm(inputs, kind, "a", **norm))
    model = randomise(keras.Model(inputs, outputs))
    folded = fold(model)
    assert count(folded, layers.BatchNormalization) == count(folded, layers.Identity) == 0
    assert difference(model, folded, images(model)) < 1e-5


def random_graph(seed: int) -> keras.Model:
    """Eight steps, each on one or two earlier tensors of 8 channels, with norms anywhere."""
    generator = np.random.default_rng(seed)
    inputs = keras.Input((9, 7, 8), name="image")
    shared = layers.Conv2D(8, 1, name="shared")
    twice = layers.BatchNormalization(name="twice")
    steps = {
        "norm": lambda x, y, name: layers.BatchNormalization(name=name)(x),
        "norm in training": lambda x, y, name: layers.BatchNormalization(name=name)(
            x, training=True
        ),
        "norm over rows": lambda x, y, name: layers.BatchNormalization(axis=1, name=name)(x),
        "shared norm": lambda x, y, name: twice(x),
        "group norm": lambda x, y, name: GroupNormalization(4, name=name)(x),
        "dropout": lambda x, y, name: layers.SpatialDropout2D(0.5, name=name)(x),
        "add": lambda x, y, name: layers.Add(name=name)([x, y]),
        "operation": lambda x, y, name: keras.ops.maximum(x, 0.3 * y),
        "shared": lambda x, y, name: shared(x),
        "active": lambda x, y, name: layers.Conv2D(8, 1, activation="relu", name=name)(x),
        "conv": lambda x, y, name: layers.Conv2D(8, 3, padding="same", name=name)(x),
        "depthwise": lambda x, y, name: layers.DepthwiseConv2D(3, padding="same", name=name)(x),
        "standardised": lambda x, y, name: StandardizedConv2D(8, 3, name=name)(x),
        "conv norm": lambda x, y, name: conv_norm(x, "conv", name),
        "two norms": lambda x, y, name: layers.BatchNormalization(name=f"{name}.2")(
            conv_norm(x, "conv", name)
        ),
    }
    tensors = [inputs]
    for number, step in enumerate(generator.choice(list(steps), 8)):
        x, y = (
            tensors[-1 - min(int(k), len(tensors) - 1)] for k in generator.geometric(0.6, 2) - 1
        )
        tensors.append(steps[step](x, y, f"step{number}"))
    chosen = [tensors[-1], tensors[int(generator.integers(1, len(tensors)))]]
    return keras.Model(inputs, list({id(x): x for x in chosen}.values()))


@pytest.mark.parametrize("seed", range(25))
def test_random_graphs_keep_their_outputs(seed):
    model = randomise(random_graph(seed))
    folded = fold(model)
    assert difference(model, folded, images(model)) < 1e-4
    assert folded.output_names == model.output_names


def test_what_must_stay_stays():
    """Read by another layer, an output itself, an activation between, or before the convolution."""
    inputs = keras.Input((8, 8, 4))
    read_twice = layers.Conv2D(4, 1)(inputs)
    a = layers.Add()([layers.BatchNormalization()(read_twice), read_twice])
    b = layers.BatchNormalization()(layers.Conv2D(4, 1, activation="relu")(a))
    c = layers.Conv2D(4, 3, padding="same")(layers.BatchNormalization()(b))
    model = randomise(keras.Model(inputs, [layers.BatchNormalization()(c), c]))
    folded = fold(model)
    assert count(folded, layers.BatchNormalization) == count(model, layers.BatchNormalization)
    assert difference(model, folded, images(model)) < 1e-5


def test_a_norm_that_others_look_for_leaves_its_name():
    inputs = keras.Input((8, 8, 3), name="image")
    x = layers.Conv2D(4, 3)(inputs)
    x = layers.BatchNormalization(name="features")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.BatchNormalization(name="last")(layers.Dense(2, name="head")(x))
    model = randomise(keras.Model(inputs, x))
    folded = fold(model)
    assert folded.output_names == ["last"] and folded.input.name == "image"
    found = keras.Model(folded.input, folded.get_layer("features").output)
    expected = keras.Model(model.input, model.get_layer("features").output)
    assert difference(expected, found, images(model)) < 1e-5
    assert count(folded, layers.BatchNormalization) == 0


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_keeps_float32_weights(policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        inputs = keras.Input((16, 16, 4), name="image")
        x = layers.ReLU()(conv_norm(inputs, "conv", "a"))
        x = layers.ReLU(name="features")(conv_norm(x, "standardised", "b"))
        x = layers.GlobalAveragePooling2D(name="pool", dtype="float32")(x)
        x = layers.Dropout(0.2, dtype="float32")(x)
        model = randomise(keras.Model(inputs, layers.Dense(2, name="head", dtype="float32")(x)))
    finally:
        keras.config.set_dtype_policy(before)
    folded = fold(model)
    assert count(folded, layers.BatchNormalization) == 0
    assert {w.dtype for w in folded.weights} == {"float32"}
    for name in ("a", "b", "features", "head"):
        assert folded.get_layer(name).compute_dtype == model.get_layer(name).compute_dtype
    assert folded.output.dtype == "float32"
    assert difference(model, folded, images(model)) < 0.03


def test_saves_and_loads_and_is_folded_again_to_itself(tmp_path):
    model = randomise(bit())
    folded = fold(model)
    folded.save(tmp_path / "folded.keras")
    loaded = keras.saving.load_model(tmp_path / "folded.keras")
    x = images(model)
    assert difference(folded, loaded, x) == difference(folded, fold(folded), x) == 0
    assert not folded.trainable_weights


def test_gradcam_of_the_folded_network_is_the_same():
    from covid_keras.explain.graph import feature_map
    from covid_keras.explain.maps import gradcam

    model = randomise(bit((None, None)))
    folded = fold(model)
    for each in (folded, model):
        assert feature_map(each, None) is each.get_layer("features").output
    x = images(model, (64, 64))
    np.testing.assert_allclose(gradcam(folded, x, 1), gradcam(model, x, 1), atol=1e-4)


JAX = """
import keras, test_fold as t
assert keras.backend.backend() == "jax"
model = t.randomise(t.random_graph(3))  # standardised kernels, two norms in a row
assert t.difference(model, t.fold(model), t.images(model)) < 1e-5
"""


@pytest.mark.slow
def test_jax_gives_the_same():
    pytest.importorskip("jax")
    environment = os.environ | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-c", JAX]
    here = Path(__file__).parent
    helpers = str(here.parent / "helpers")
    environment["PYTHONPATH"] = os.pathsep.join([helpers, os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(command, env=environment, cwd=here, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


def test_another_kind_of_model_is_refused():
    class Own(keras.Model):
        pass

    with pytest.raises(ValueError, match="functional"):
        fold(Own())
