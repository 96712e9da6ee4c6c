"""ResNet, ResNeXt, SqueezeNet and ShuffleNet against torchvision in float64."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
import torchvision_weights
from safetensors.numpy import save_file

from covid_keras.models import registry
from covid_keras.models.create import create_backbone, create_model
from covid_keras.models.layers import ChannelShuffle, ChannelSplit

ORACLES = Path(__file__).parents[1] / "oracles"

TABLE_1 = {
    "squeezenet": "0.73",
    "shufflenet_v2_x0_5": "0.34",
    "resnet18": "11.17",
    "resnext50": "22.98",
    "resnext101": "86.74",
}
"""Millions of parameters in paper B, which cuts the other digits off."""
NETWORKS = (
    "squeezenet",
    "squeezenet1_1",
    "shufflenet_v2_x0_5",
    "shufflenet_v2_x1_0",
    "resnet18",
    "resnext50",
    pytest.param("resnext101", marks=pytest.mark.slow),
)
SIZES = ((64, 64), (97, 75), (65, 129))


@pytest.fixture(scope="module")
def recorded() -> dict[str, np.ndarray]:
    with np.load(ORACLES / "torchvision.npz") as file:
        return dict(file)


def state_dict(recorded, name: str) -> dict[str, np.ndarray]:
    """All tensors that torchvision's network has, by its names and in its shapes."""
    shapes = json.loads(recorded[f"{name}_shapes"].tobytes())
    return {key: torchvision_weights.tensor(key, tuple(shapes[key])) for key in shapes}


def relative(found, expected: np.ndarray) -> float:
    return float(np.abs(np.asarray(found) - expected).max() / np.abs(expected).max())


@pytest.mark.parametrize("name", NETWORKS)
def test_features_equal_torchvision(recorded, tmp_path, name):
    path = tmp_path / "model.safetensors"
    save_file(state_dict(recorded, name), path)
    model = create_backbone(name, weights=str(path))
    for height, width in SIZES:
        expected = recorded[f"{name}_{height}x{width}"]
        found = np.asarray(model(torchvision_weights.images(height, width)))[..., ::16]
        assert found.shape == expected.shape
        assert relative(found, expected) < 1e-4


@pytest.mark.parametrize("name", NETWORKS)
def test_parameters_equal_torchvision_and_the_paper(recorded, name):
    with keras.StatelessScope(initialize_variables=False):
        model = create_model(name, classes=1)
    counted = sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)
    row = registry.get(name)
    assert counted == row.parameters == recorded[f"{name}_parameters"]
    assert model.get_layer("features").output.shape[-1] == row.features
    assert f"{counted // 10_000 / 100:.2f}" == TABLE_1.get(name, f"{counted // 10_000 / 100:.2f}")
    assert set(row.stages) <= {layer.name for layer in model.layers}


@pytest.fixture(scope="module")
def resnet18() -> keras.Model:
    return create_model("resnet18", classes=3, head="dense")


@pytest.fixture(scope="module")
def shufflenet() -> keras.Model:
    return create_model("shufflenet_v2_x0_5", classes=3, head="dense")


def test_numbers_of_batch_normalisation(resnet18, shufflenet):
    norms = [
        layer
        for layer in (*resnet18.layers, *shufflenet.layers)
        if isinstance(layer, keras.layers.BatchNormalization) and layer.name != "head.norm"
    ]
    assert len(norms) == 20 + 56
    assert {(norm.momentum, norm.epsilon) for norm in norms} == {(0.9, 1e-5)}


def test_first_kernels_are_torchvisions(resnet18, shufflenet):
    """Normal by the outputs for ResNet; PyTorch's own, uniform by the inputs, for ShuffleNet."""
    kernel = np.asarray(resnet18.get_layer("layer4.1.conv2").kernel)
    assert kernel.std() == pytest.approx(np.sqrt(2 / (9 * 512)), rel=0.01)
    assert np.abs(kernel).max() > 3 * kernel.std()  # not cut off at two deviations
    for name, inputs in (("stage4.3.branch2.0", 96), ("stage4.3.branch2.3", 9)):
        largest = np.abs(shufflenet.get_layer(name).kernel).max()
        assert 0.99 < largest * np.sqrt(inputs) <= 1 + 1e-6, name


def test_shuffle_is_a_transposition():
    x = np.random.default_rng(0).normal(size=(2, 3, 5, 8)).astype("float32")
    expected = x.reshape(2, 3, 5, 2, 4).swapaxes(-1, -2).reshape(2, 3, 5, 8)
    np.testing.assert_array_equal(ChannelShuffle()(ChannelSplit()(x)), expected)
