"""Freezing by stage: which layers, and that they stay as they are in training."""

import keras
import numpy as np
import pytest

from covid_keras.models import registry
from covid_keras.models.create import create_model, freeze_layers
from covid_keras.utils.errors import InputError

BEFORE_STAGE3 = {
    "bit_r50x1": "image root_block. block1. block2. block3.",
    "resnet18": "image conv1 bn1 relu maxpool layer1. layer2. layer3.",
    "densenet121": "image zero_padding2d conv1_ pool1 conv2_ pool2_ conv3_ pool3_ conv4_ pool4_",
}
"""How the names of all layers up to the third stage start, and of no others."""


def shapes_only(name: str, upto: str) -> keras.Model:
    """The network with two outputs, frozen up to a stage, with variables that take no memory."""
    with keras.StatelessScope(initialize_variables=False):
        model = create_model(name, classes=2, freeze=upto)
    keras.utils.clear_session()  # else Keras initialises them later
    return model


def frozen(model: keras.Model) -> set[str]:
    """Layers that do not train; those without variables count too."""
    return {layer.name for layer in model.layers if not layer.trainable}


@pytest.mark.parametrize("name, starts", BEFORE_STAGE3.items())
def test_up_to_stage_three(name, starts):
    model = shapes_only(name, "stage3")
    expected = {
        layer.name for layer in model.layers if layer.name.startswith(tuple(starts.split()))
    }
    assert frozen(model) == expected
    kept = [v for layer in model.layers if layer.name not in expected for v in layer.weights]
    assert {v.path for v in kept if v.trainable} == {v.path for v in model.trainable_variables}


@pytest.mark.parametrize("name", ["bit_r50x1", "squeezenet", "densenet_conv"])
def test_each_step_freezes_more_and_the_backbone_all_but_the_head(name):
    steps = registry.get(name).freezes
    assert steps[:3] == ("", "stem", "stage1") and steps[-1] == "backbone"
    model = shapes_only(name, "")
    assert not frozen(model)
    sizes = []
    for upto in steps[1:]:
        model.trainable = True
        freeze_layers(model, registry.get(name), upto)
        sizes.append(len(frozen(model)))
    assert sizes == sorted(sizes) and len(set(sizes[:-1])) == len(sizes) - 1
    assert {layer.name for layer in model.layers} - frozen(model) == {"pool", "head"}
    assert [v.path for v in model.trainable_variables] == ["head/kernel", "head/bias"]


@pytest.mark.parametrize("name, upto", [("resnet18", "stage5"), ("bit_r50x1", "block3")])
def test_an_unknown_stage_is_one_line(name, upto):
    with pytest.raises(InputError) as caught:
        freeze_layers(shapes_only(name, ""), registry.get(name), upto)
    assert str(caught.value) == (
        f"model.freeze: {name} takes stem, stage1, stage2, stage3, stage4, backbone. "
        f"Received: {upto!r}"
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """resnet18 frozen up to stage 2, its weights before and after three steps, its file."""
    keras.utils.set_random_seed(5)
    model = create_model("resnet18", classes=2, freeze="stage2")
    model.get_layer("head").kernel.assign(np.random.default_rng(0).normal(0, 0.1, (512, 2)))
    before = {variable.path: np.array(variable) for variable in model.weights}
    images = np.random.default_rng(1).normal(1, 2, (6, 48, 48, 3)).astype(np.float32)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.01), loss, jit_compile=False)
    model.fit(images, np.arange(6) % 2, batch_size=2, verbose=0)
    after = {variable.path: np.array(variable) for variable in model.weights}
    path = tmp_path_factory.mktemp("frozen") / "model.keras"
    model.save(path)
    return model, before, after, images, path, np.asarray(model(images))


def test_frozen_variables_stay_and_all_others_move(trained):
    model, before, after, *_ = trained
    still = frozen(model)
    assert {"bn1", "layer2.1.bn2"} <= still and "layer3.0.conv1" not in still
    for layer in model.layers:
        for variable in layer.weights:
            same = np.array_equal(before[variable.path], after[variable.path])
            assert same == (layer.name in still), variable.path


def test_frozen_norms_run_in_inference_while_training(trained):
    model, _, after, images, *_ = trained
    names = ("layer2.1.relu", "layer3.0.bn1")  # the last that is frozen; a norm that is not
    body = keras.Model(model.input, [model.get_layer(name).output for name in names])
    inference = [np.asarray(x) for x in body(images, training=False)]
    training = [np.asarray(x) for x in body(images, training=True)]
    np.testing.assert_array_equal(training[0], inference[0])
    assert np.abs(training[1] - inference[1]).max() > 0.1
    statistic = model.get_layer("layer2.1.bn2").moving_mean
    np.testing.assert_array_equal(statistic, after[statistic.path])


def test_saving_keeps_what_trains(trained):
    model, _, _, images, path, logits = trained
    twin = keras.saving.load_model(path)
    assert [v.path for v in twin.trainable_variables] == [v.path for v in model.trainable_variables]
    assert frozen(twin) == frozen(model) - {"image"}  # which has no variable, and comes back so
    np.testing.assert_array_equal(twin(images), logits)
