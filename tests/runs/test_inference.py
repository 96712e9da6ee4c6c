"""Loading a trained network, and its probabilities and features for any input shape and head."""

import json
import zipfile

import keras
import numpy as np
import pytest
import tiny
from keras import layers
from made_runs import tie
from random_networks import randomise

from covid_keras.models.create import create_model
from covid_keras.models.network import PREPROCESSING
from covid_keras.runs.inference import (
    feature_model,
    load_trained,
    network_arguments,
    probability_model,
)
from covid_keras.runs.kept import Kept
from covid_keras.runs.run import Run
from covid_keras.utils.errors import InputError


def network(outputs: int, pooled: bool = False) -> keras.Model:
    """Not square; with batch norms; its pooling has a name of its own."""
    inputs = keras.Input((12, 20, 3), name="image")
    x = layers.Conv2D(8, 3, padding="same", use_bias=False)(inputs)
    x = layers.BatchNormalization()(x)
    if pooled:
        x = layers.GlobalMaxPooling2D()(x)
    x = layers.ReLU(name="features")(x)
    if not pooled:
        x = layers.GlobalMaxPooling2D(name="head.pool")(x)
    return randomise(keras.Model(inputs, layers.Dense(outputs, name="head")(x)))


@pytest.fixture
def slices() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (3, 12, 20, 1)).astype("uint8")


def images(slices: np.ndarray) -> np.ndarray:
    """As the preprocessing "torch" says, from its published mean and deviation."""
    mean, deviation = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    return ((slices / 255 - mean) / deviation).astype("float32")


def test_one_logit_gives_two_columns(slices):
    model = network(1)
    logits = np.asarray(model(images(slices), training=False)).astype("float64")
    second = 1 / (1 + np.exp(-logits))
    found = np.asarray(probability_model(model, PREPROCESSING["torch"])(slices))
    assert found.shape == (3, 2) and second.std() > 1e-3
    np.testing.assert_allclose(found, np.hstack([1 - second, second]), atol=2e-6)


def test_several_logits_give_their_softmax(slices):
    model = network(3)
    powers = np.exp(np.asarray(model(images(slices), training=False)).astype("float64"))
    found = np.asarray(probability_model(model, PREPROCESSING["torch"])(slices))
    np.testing.assert_allclose(found, powers / powers.sum(1, keepdims=True), atol=1e-5)


@pytest.mark.parametrize("pooled", [False, True])
def test_features_are_pooled_whatever_the_head_does(slices, pooled):
    model = network(2, pooled)
    body = keras.Model(model.input, model.get_layer("features").output)
    expected = np.asarray(body(images(slices), training=False))
    expected = expected if pooled else expected.mean((1, 2))
    found = np.asarray(feature_model(model, PREPROCESSING["torch"])(slices))
    assert found.dtype == np.float32 and expected.std() > 0.01
    np.testing.assert_allclose(found, expected, atol=1e-5)


NETWORKS = {
    "tiny": {"model_head": "original"},
    "dense": {"model_head": "dense", "model_freeze": "backbone", "model_dropout": 0.4},
    "sigmoid": {"model_activation": "sigmoid", "training_precision": "mixed_float16"},
    "shufflenet": {"model_name": "shufflenet_v2_x0_5", "model_head": "linear", "input_crop": 40},
}


def saved(folder, **changes) -> tuple[Run, keras.Model]:
    """A run whose network has random weights, and that network."""
    run = tiny.start_run(folder, **{"input_resize": 44} | changes)
    recipe = run.recipe()
    keras.config.set_dtype_policy(recipe.training.precision)
    try:
        network = randomise(create_model(**network_arguments(recipe, len(run.classes()))))
    finally:
        keras.config.set_dtype_policy("float32")
    network.save(run.model_file)
    run.tie_model(run.model_file, Kept(4, 4, "", None))
    return run, network


@pytest.mark.parametrize("changes", NETWORKS.values(), ids=NETWORKS)
def test_a_loaded_network_equals_the_saved_one(tmp_path, changes):
    run, network = saved(tmp_path, **changes)
    loaded = load_trained(run.path).network
    x = np.random.default_rng(0).normal(size=(2, *network.input_shape[1:])).astype("float32")
    np.testing.assert_array_equal(loaded(x), network(x))
    assert np.ptp(np.asarray(network(x))) > 0
    assert keras.config.dtype_policy().name == "float32"
    for ours, theirs in zip(loaded.variables, network.variables, strict=True):
        assert (ours.trainable, ours.dtype) == (theirs.trainable, theirs.dtype)


def test_a_network_is_loaded_once_and_again_when_its_file_changes(tmp_path):
    run, network = saved(tmp_path)
    first, second = load_trained(run.path), load_trained(run.path)
    assert second.network is first.network
    assert second.probability_model is first.probability_model, "compiled once"
    network.weights[0].assign(2 * network.weights[0])
    network.save(run.model_file)
    tie(run.path)
    third = load_trained(run.path)
    np.testing.assert_array_equal(third.network.get_weights()[0], network.get_weights()[0])
    assert third.network is not first.network
    assert third.probability_model is not first.probability_model


def test_the_configuration_in_a_model_file_is_not_run(tmp_path):
    """Only its tensors are read, so the file may come from elsewhere."""
    run, network = saved(tmp_path)
    with zipfile.ZipFile(run.model_file) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    parts["config.json"] = json.dumps(
        {"module": "shutil", "class_name": "rmtree", "config": {}, "registered_name": "rmtree"}
    ).encode()
    with zipfile.ZipFile(run.model_file, "w") as file:
        for name, data in parts.items():
            file.writestr(name, data)
    tie(run.path)
    x = np.zeros((1, *network.input_shape[1:]), "float32")
    np.testing.assert_array_equal(load_trained(run.path).network(x), network(x))


def test_weights_of_another_network_are_refused(tmp_path):
    run, _ = saved(tmp_path)
    create_model("tiny", classes=5, input_shape=(16, 16, 3)).save(run.model_file)
    with pytest.raises(InputError, match=r"model\.keras: expected the network of this run, by"):
        load_trained(run.path)
    tie(run.path)
    with pytest.raises(InputError, match=r"model\.keras: not the weights of tiny: head/0: .*shape"):
        load_trained(run.path)
