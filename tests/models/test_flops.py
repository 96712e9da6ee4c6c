"""Counted operations against PyTorch's counter, published numbers, and sums by hand."""

import json
from pathlib import Path

import keras
import pytest
from keras import layers

from covid_keras.models.create import create_backbone, create_model
from covid_keras.models.flops import flops
from covid_keras.models.grouped import GroupedConv2D
from covid_keras.models.layers import StandardizedConv2D

RECORDED = json.loads((Path(__file__).parents[1] / "oracles" / "flops.json").read_text())


QUICK = ("resnet18", "resnext50", "squeezenet", "shufflenet_v2_x0_5")
CASES = [
    pytest.param(case, marks=[] if case.split()[0] in QUICK else pytest.mark.slow)
    for case in RECORDED
]


@pytest.fixture(scope="module")
def backbone():
    """Networks by name, without values for their variables."""
    built = {}

    def build(name: str) -> keras.Model:
        if name not in built:
            with keras.StatelessScope(initialize_variables=False):
                built[name] = create_backbone(name)
        return built[name]

    return build


@pytest.mark.parametrize("case", CASES)
def test_equals_pytorch(backbone, case):
    name, size = case.split()
    height, width = map(int, size.split("x"))
    assert flops(backbone(name), (height, width, 3)) == RECORDED[case]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, size, giga",
    [
        ("resnet18", 224, 1.82),
        ("resnext50", 224, 4.26),
        ("densenet121", 224, 2.87),
        ("shufflenet_v2_x0_5", 224, 0.04),
        ("inception_v3", 299, 5.73),
        ("xception", 299, 8.4),
        ("resnet50", 224, 3.87),
    ],
)
def test_is_near_published_multiply_adds(backbone, name, size, giga):
    """Published ones count the classifier, and some of them normalisations as well."""
    found = flops(backbone(name), (size, size, 3)) / 2e9
    assert found == pytest.approx(giga, rel=0.02, abs=0.005)


@pytest.mark.parametrize("name, giga", [("squeezenet", 0.82), ("squeezenet1_1", 0.35)])
def test_squeezenets_published_classifier_counts(name, giga):
    with keras.StatelessScope(initialize_variables=False):
        model = create_model(name, classes=1000, head="original")
    assert flops(model, (224, 224, 3)) / 2e9 == pytest.approx(giga, abs=0.005)


@pytest.mark.parametrize(
    "layer, expected",
    [
        (layers.Conv2D(10, 3, padding="same"), 8 * 6 * 9 * 4 * 10),
        (layers.Conv2D(10, 3), 6 * 4 * 9 * 4 * 10),
        (layers.Conv2D(10, 3, strides=2, padding="same", groups=2), 4 * 3 * 9 * 2 * 10),
        (layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2), 8 * 6 * 9 * 4 * 2),
        (layers.SeparableConv2D(10, 3, strides=2, padding="same"), 4 * 3 * (9 * 4 + 4 * 10)),
        (GroupedConv2D(10, 3, 2, groups=2), 4 * 3 * 9 * 2 * 10),
        (StandardizedConv2D(10, 3, 2), 4 * 3 * 9 * 4 * 10),
        (layers.Dense(10), 8 * 6 * 4 * 10),
        (layers.BatchNormalization(), 0),
        (layers.ReLU(), 0),
    ],
)
def test_layers(layer, expected):
    inputs = keras.Input((None, None, 4))
    model = keras.Model(inputs, layer(inputs))
    nodes = len(layer._inbound_nodes)
    assert flops(model, (8, 6, 4)) == 2 * expected
    assert len(layer._inbound_nodes) == nodes


def test_a_layer_counts_as_often_as_it_is_called():
    inputs = keras.Input((None, None, 4))
    layer = layers.Conv2D(4, 1)
    assert flops(keras.Model(inputs, layer(layer(inputs))), (2, 2, 4)) == 2 * 2 * 4 * 16


def test_an_unknown_kernel_is_refused():
    inputs = keras.Input((8, 8, 4))
    model = keras.Model(inputs, layers.Conv2DTranspose(4, 3, name="up")(inputs))
    with pytest.raises(ValueError, match="Conv2DTranspose 'up'"):
        flops(model, (8, 8, 4))
