"""The networks of keras.applications: the same numbers, names that stay, published files."""

import collections
import functools
import json
import re
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
import torchvision_weights

from covid_keras.models import registry
from covid_keras.models.create import create_backbone, create_model
from covid_keras.models.weights.load import load_weights
from covid_keras.utils.errors import InputError

ORACLES = Path(__file__).parents[1] / "oracles"

BUILDERS = {
    "resnet50": "ResNet50",
    "resnet101": "ResNet101",
    "inception_v3": "InceptionV3",
    "xception": "Xception",
    "densenet121": "DenseNet121",
    "densenet169": "DenseNet169",
    "densenet201": "DenseNet201",
}
"""Names in keras.applications."""
SEVEN = [
    pytest.param(name, marks=[] if name == "resnet50" else pytest.mark.slow) for name in BUILDERS
]
ROWS = [*BUILDERS, "densenet_conv"]
CLASSES = 1000


def images(height: int, width: int) -> np.ndarray:
    return torchvision_weights.images(height, width)


def original(name: str, top: bool = True) -> keras.Model:
    """keras.applications' network with random weights, those of its batch norms too."""
    build = getattr(keras.applications, BUILDERS[name])
    keras.utils.set_random_seed(0)
    top_only = {"input_shape": (97, 75, 3), "classes": CLASSES, "classifier_activation": None}
    model = build(weights=None, include_top=top, **(top_only if top else {}))
    for variable in model.weights:
        if len(variable.shape) == 1:
            place = f"{variable.path.rsplit('/', 1)[-1]}.{len(variable.path)}"
            kind = {"gamma": "weight", "moving_variance": "running_var"}
            part = kind.get(place.split(".")[0], "bias")
            variable.assign(torchvision_weights.tensor(f"{place}.{part}", variable.shape))
    return model


def write(path: Path, layers: dict[str, list[np.ndarray]], group: str = "/") -> Path:
    """A file in Keras' legacy layout, as Keras 2 wrote it: {layer name: tensors}."""
    with h5py.File(path, "w") as file:
        root = file.require_group(group)
        root.attrs["layer_names"] = [name.encode() for name in layers]
        root.attrs["backend"] = b"tensorflow"
        for layer, tensors in layers.items():
            stored = root.require_group(layer)
            names = [f"{layer}_3/tensor{index}:0" for index in range(len(tensors))]
            stored.attrs["weight_names"] = [name.encode() for name in names]
            for name, tensor in zip(names, tensors, strict=True):
                stored[name] = tensor
    return path


def contents(model: keras.Model) -> dict[str, list[np.ndarray]]:
    return {layer.name: layer.get_weights() for layer in model.layers}


def changed(layers: dict, name: str, tensors: list | None) -> dict:
    """`layers` with other tensors for one layer, or without it."""
    return {
        layer: tensors if layer == name else value
        for layer, value in layers.items()
        if layer != name or tensors is not None
    }


@functools.cache
def graph(name: str) -> keras.Model:
    """The backbone with variables that take no memory."""
    with keras.StatelessScope(initialize_variables=False):
        return create_backbone(name)


@functools.cache
def shared(name: str) -> keras.Model:
    """A network, with its published head, that several tests load weights into."""
    return create_model(name, classes=CLASSES, head="original")


@pytest.fixture(scope="module", autouse=True)
def forget():
    yield
    graph.cache_clear()
    shared.cache_clear()


def load(name: str, path: Path, top: bool = False) -> keras.Model:
    """The shared network with the weights of the file, and zeros where the file gives none.

    Without `top`, up to its features.
    """
    model = shared(name)
    for variable in model.weights:
        variable.assign(np.zeros(variable.shape))
    load_weights(model, path, registry.get(name), top="all" if top else "none")
    return model if top else keras.Model(model.input, model.get_layer("features").output)


def refused(name: str, path: Path, *parts: str, top: bool = False) -> None:
    """One line that names the file and has all `parts`; not one weight changed."""
    model = shared(name)
    before = model.get_weights()
    with pytest.raises(InputError) as caught:
        load_weights(model, path, registry.get(name), top="all" if top else "none")
    message = str(caught.value)
    assert "\n" not in message and message.startswith(f"{path}: ")
    for part in parts:
        assert part in message, message
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.fixture(scope="module")
def densenet() -> keras.Model:
    return original("densenet121")


@pytest.fixture(scope="module")
def densenet_layers(densenet) -> dict[str, list[np.ndarray]]:
    return contents(densenet)


@pytest.fixture(scope="module")
def densenet_file(densenet_layers, tmp_path_factory) -> Path:
    return write(tmp_path_factory.mktemp("densenet") / "densenet121.h5", densenet_layers)


@pytest.fixture(scope="module")
def inception() -> keras.Model:
    return original("inception_v3", top=False)


# The graphs


@pytest.mark.parametrize("name", SEVEN)
def test_equal_to_keras_bit_for_bit_after_loading_its_file(name, tmp_path):
    reference = original(name, top=False)
    layers = contents(reference) | {"predictions": [np.ones((9, 4)), np.ones(4)]}
    path = write(tmp_path / f"{name}_weights_tf_dim_ordering_tf_kernels.h5", layers)
    model = load(name, path)
    for height, width in ((97, 75), (110, 131)):
        x = images(height, width)
        expected = np.asarray(reference(x))
        assert np.ptp(expected) > 0 and np.isfinite(expected).all()
        np.testing.assert_array_equal(model(x), expected)


@pytest.mark.parametrize("name", ["inception_v3", pytest.param("xception", marks=pytest.mark.slow)])
def test_names_as_in_a_fresh_session(name):
    found = graph(name)
    with keras.StatelessScope(initialize_variables=False):
        keras.backend.clear_session()
        build = getattr(keras.applications, BUILDERS[name])
        fresh = build(weights=None, include_top=False)
        again = create_backbone(name)
    expected = [layer.name for layer in fresh.layers[1:-1]]
    assert [layer.name for layer in found.layers[1:-1]] == expected
    assert [layer.name for layer in again.layers[1:-1]] == expected


@pytest.mark.parametrize("name", BUILDERS)
def test_smallest_input(name):
    side, features = registry.get(name).smallest, registry.get(name).features
    assert graph(name).compute_output_shape((1, side, side + 2, 3)) == (1, 1, 1, features)
    if side > 1:
        with pytest.raises(ValueError, match="zero or negative"):
            graph(name).compute_output_shape((1, 224, side - 1, 3))
        expected = f"{name}: expected images of {side}x{side} pixels or more. Received: "
        with pytest.raises(InputError, match=expected):
            create_backbone(name, input_shape=(224, side - 1, 3))


TABLE_1 = {  # of paper B, in millions; it cuts off digits rather than rounding
    "resnet50": 23.51,
    "resnet101": 42.50,
    "inception_v3": 21.79,
    "xception": 20.81,
    "densenet121": 6.95,
    "densenet169": 12.48,
    "densenet201": 18.09,
}


@pytest.mark.parametrize("name", ROWS)
def test_parameters_of_the_row_and_of_the_paper(name):
    row = registry.get(name)
    model = graph(name)
    sizes = [int(np.prod(variable.shape)) for variable in model.trainable_variables]
    counted = sum(sizes) + row.features + 1
    assert counted == row.parameters
    biases = sum(
        layer.filters
        for layer in model.layers
        if isinstance(layer, keras.layers.Conv2D) and layer.use_bias
    )
    scales = sum(
        layer.output.shape[-1]
        for layer in model.layers
        if isinstance(layer, keras.layers.BatchNormalization) and not layer.scale
    )
    if name == "densenet_conv":
        assert counted - registry.get("densenet121").parameters == 9 * 1024 * 256 + 256 + 256 - 1024
        return
    assert abs((counted - biases + scales) / 1e6 - TABLE_1[name]) < 0.01
    for difference in (biases, scales):
        assert not difference or f"{difference:,}" in row.note
    assert bool(biases or scales) == bool(row.note)


@pytest.mark.parametrize("name", BUILDERS)
def test_preprocessing_of_the_row(name):
    module = next(
        module
        for module in ("resnet", "inception_v3", "xception", "densenet")
        if name.startswith(module)
    )
    rgb = np.random.default_rng(0).integers(0, 256, (1, 5, 7, 3)).astype("float32")
    expected = getattr(keras.applications, module).preprocess_input(rgb.copy())
    row = registry.get(name).preprocessing
    channels = rgb[..., ::-1] if row.order == "BGR" else rgb
    found = (channels - np.array(row.offset)) / np.array(row.scale)
    np.testing.assert_allclose(found, expected, atol=1e-4)


# Keras' .h5 files


def assert_loaded(name: str, path: Path, model: keras.Model) -> None:
    """What Keras itself makes of the file, by position, is what our network gives."""
    model.load_weights(path)
    x = images(97, 75)
    np.testing.assert_array_equal(load(name, path)(x), model(x))


@pytest.mark.slow
def test_numbers_of_any_session(inception, tmp_path):
    counts, layers = collections.Counter(), {}
    for layer in inception.layers:
        stem = re.sub(r"_\d+$", "", layer.name)
        counts[stem] += 1
        layers[f"{stem}_{500 + counts[stem]}"] = layer.get_weights()
    assert counts["conv2d"] == counts["batch_normalization"] == 94
    assert_loaded("inception_v3", write(tmp_path / "inception.h5", layers), inception)


def test_xception_as_published_by_keras_1(tmp_path):
    model = original("xception", top=False)
    kinds = {
        "Conv2D": "convolution2d",
        "SeparableConv2D": "separableconvolution2d",
        "BatchNormalization": "batchnormalization",
    }
    layers, counts = {}, dict.fromkeys(kinds.values(), 0)
    for layer in model.layers:
        kind = kinds.get(type(layer).__name__)
        if kind:
            counts[kind] += 1
        layers[f"{kind}_{counts[kind]}" if kind else layer.name] = layer.get_weights()
    assert counts == {"convolution2d": 6, "separableconvolution2d": 34, "batchnormalization": 40}
    assert_loaded("xception", write(tmp_path / "xception.h5", layers), model)


def published(layers: dict[str, list[np.ndarray]]) -> dict[str, list[np.ndarray]]:
    """DenseNet's layers in the spelling of the published files."""
    spelled = {"predictions": "fc1000", "conv1_conv": "conv1/conv", "conv1_bn": "conv1/bn"}
    return {spelled.get(name, name): tensors for name, tensors in layers.items()}


@pytest.mark.slow
def test_densenet_as_published_with_its_classifier(densenet, densenet_layers, tmp_path):
    path = write(tmp_path / "densenet.h5", published(densenet_layers))
    model = load("densenet121", path, top=True)
    x = images(97, 75)
    np.testing.assert_array_equal(model(x), densenet(x))
    names = [layer.name for layer in model.layers]
    assert names[-3:] == ["features", "pool", "head"]


def test_classifier_of_another_size_or_missing(densenet_layers, tmp_path):
    path, ten = tmp_path / "ten.h5", [np.zeros((1024, 10), "float32"), np.zeros(10, "float32")]
    write(path, changed(densenet_layers, "predictions", ten))
    expected = "predictions/0: expected shape (1024, 1000), found"
    refused("densenet121", path, f"{expected} shape (1024, 10)", top=True)
    write(path, changed(densenet_layers, "predictions", None))
    refused("densenet121", path, f"{expected} no such tensor", top=True)
    load("densenet121", path)


def test_whole_model_in_one_file(densenet, tmp_path):
    densenet.save(tmp_path / "whole.h5")
    found = load("densenet121", tmp_path / "whole.h5")
    kernel = densenet.get_layer("conv5_block16_2_conv").kernel
    np.testing.assert_array_equal(found.get_layer("conv5_block16_2_conv").kernel, kernel)


def test_names_in_parts(densenet_layers, tmp_path):
    path = write(tmp_path / "parts.h5", densenet_layers)
    with h5py.File(path, "a") as file:
        names = file.attrs["layer_names"]
        del file.attrs["layer_names"]
        for part, some in enumerate(np.array_split(names, 3)):
            file.attrs[f"layer_names{part}"] = some
    kernel = densenet_layers["conv5_block16_2_conv"][0]
    found = load("densenet121", path).get_layer("conv5_block16_2_conv").kernel
    np.testing.assert_array_equal(found, kernel)


# Wrong files


def test_first_difference_is_named(densenet_layers, tmp_path):
    path, layer = tmp_path / "wrong.h5", "conv3_block2_1_conv"
    write(path, changed(densenet_layers, layer, None))
    expected = f"not the weights of densenet121: {layer}/0: expected shape (1, 1, 160, 128)"
    refused("densenet121", path, expected, "no such tensor (1 missing, 0 unexpected")
    write(path, changed(densenet_layers, layer, [np.zeros((1, 1, 160, 64), "float32")]))
    refused("densenet121", path, f"{expected}, found shape (1, 1, 160, 64)")
    write(path, {**densenet_layers, "dense_7": [np.zeros((4, 2), "float32")]})
    refused("densenet121", path, "dense_7/0: not expected, found shape (4, 2)")
    write(path, densenet_layers)
    refused("resnet50", path, "conv1_conv/1: expected shape (64,), found no such tensor")


def test_first_difference_of_a_network_without_names(inception, tmp_path):
    path, layers = tmp_path / "wrong.h5", contents(inception)
    tenth = [name for name in layers if name.startswith("conv2d")][9]
    write(path, changed(layers, tenth, [np.zeros((1, 1, 3, 3), "float32")]))
    ours = [layer.name for layer in graph("inception_v3").layers if "conv2d" in layer.name]
    refused("inception_v3", path, f"{ours[9]}/0: expected", "found shape (1, 1, 3, 3)")
    write(path, changed(layers, tenth, None))
    refused("inception_v3", path, "conv2d/0: expected", "no such tensor (94 missing, 93 unexpected")


def test_old_resnet50_of_other_names_is_refused(tmp_path):
    model = graph("resnet50")
    layers = {
        f"res_{layer.name}": [np.zeros(w.shape) for w in layer.weights] for layer in model.layers
    }
    path = write(tmp_path / "resnet50.h5", layers)
    refused("resnet50", path, "conv1_conv/0: expected shape (7, 7, 3, 64), found no such tensor")


def test_damaged_and_other_h5(densenet_file, tmp_path):
    whole, path = densenet_file.read_bytes(), tmp_path / "half.h5"
    for size in (0, 100, len(whole) // 2, len(whole) - 10):
        path.write_bytes(whole[:size])
        refused("densenet121", path, "expected a complete .h5 weights file")
    with h5py.File(path, "w") as file:
        file["conv1/kernel"] = np.zeros(3)
    refused("densenet121", path, "not in Keras' legacy .h5 layout")
    keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)]).save_weights(
        tmp_path / "own.weights.h5"
    )
    (tmp_path / "own.weights.h5").rename(path)
    refused("densenet121", path, "not in Keras' legacy .h5 layout")


@pytest.mark.parametrize("kind", ["external", "soft", "group", "raw"])
def test_links_out_of_the_file_are_not_followed(densenet_layers, densenet_file, tmp_path, kind):
    path = write(tmp_path / "linked.h5", densenet_layers)
    place = "bn/bn_3/tensor0:0"
    with h5py.File(path, "a") as file:
        del file["bn" if kind == "group" else place]
        if kind == "external":
            file[place] = h5py.ExternalLink(str(densenet_file), place)
        elif kind == "soft":
            file[place] = h5py.SoftLink("/conv1_bn/conv1_bn_3/tensor0:0")
        elif kind == "group":
            file["bn"] = h5py.ExternalLink(str(densenet_file), "bn")
        else:
            raw = tmp_path / "raw"
            raw.write_bytes(bytes(4096))
            file.create_dataset(place, (1024,), "f4", external=[(str(raw), 0, 4096)])
    refused("densenet121", path, "link" if kind != "raw" else "not an array of this file")


# PyTorch's names


@pytest.fixture(scope="module")
def recorded() -> dict[str, np.ndarray]:
    with np.load(ORACLES / "densenet.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def state(recorded) -> dict[str, np.ndarray]:
    shapes = json.loads(recorded["shapes"].tobytes())
    return {name: torchvision_weights.tensor(name, tuple(shape)) for name, shape in shapes.items()}


def safetensors(path: Path, state: dict[str, np.ndarray]) -> Path:
    from safetensors.numpy import save_file

    save_file(state, path)
    return path


@pytest.fixture(scope="module")
def torchvision(state, tmp_path_factory) -> Path:
    return safetensors(tmp_path_factory.mktemp("torch") / "densenet121.safetensors", state)


def relative(found, expected: np.ndarray) -> float:
    return float(np.abs(np.asarray(found) - expected).max() / np.abs(expected).max())


def test_densenet121_equals_torchvision(recorded, torchvision):
    model = load("densenet121", torchvision)
    for height, width in ((64, 64), (97, 75), (161, 203)):
        found = np.asarray(model(images(height, width)))[..., ::16]
        expected = recorded[f"{height}x{width}"]
        assert found.shape == expected.shape
        assert relative(found, expected) < 1e-4


def test_classifier_equals_torchvision(recorded, torchvision):
    model = load("densenet121", torchvision, top=True)
    assert relative(model(images(64, 64)), recorded["outputs"]) < 1e-4


def test_spelling_of_the_published_pytorch_files(state, recorded, tmp_path):
    old = {}
    for name, tensor in state.items():
        for part in ("norm1", "norm2", "conv1", "conv2"):
            name = name.replace(f".{part}.", f".{part[:-1]}.{part[-1]}.")
        old[name] = tensor
    assert "features.denseblock1.denselayer1.norm.1.weight" in old
    path = safetensors(tmp_path / "old.safetensors", old)
    found = load("densenet121", path)(images(64, 64))
    assert relative(np.asarray(found)[..., ::16], recorded["64x64"]) < 1e-4


def test_torchvision_resnet_is_refused_with_the_reason(tmp_path):
    state = {"conv1.weight": np.zeros((64, 3, 7, 7), "f4"), "layer1.0.bn1.bias": np.zeros(64, "f4")}
    path = safetensors(tmp_path / "resnet50.safetensors", state)
    for name in ("resnet50", "densenet121"):
        refused(name, path, "layer1.0.bn1.bias is of torchvision's ResNet", "stride on the first")


def test_torchvision_densenet_in_other_networks(torchvision):
    missing = "conv1_conv.weight: expected shape (64, 3, 7, 7), found no such tensor"
    refused("resnet50", torchvision, missing)


# Paper D's variant


@pytest.mark.slow
def test_densenet_conv_takes_densenet_weights(densenet_file, torchvision):
    model = create_model(
        "densenet_conv", classes=3, head="dense", activation="softmax", dropout=0.5
    )
    extra = model.get_layer("extra.conv")
    first = keras.ops.convert_to_numpy(extra.kernel).copy()
    for path in (densenet_file, torchvision):
        load_weights(model, path, registry.get("densenet_conv"))
        for layer in load("densenet121", path).layers:
            ours = model.get_layer("relu" if layer.name == "features" else layer.name)
            for found, expected in zip(ours.get_weights(), layer.get_weights(), strict=True):
                np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(extra.kernel, first)
    assert (extra.filters, extra.kernel_size, extra.padding) == (256, (3, 3), "same")
    assert extra.use_bias and np.std(first) > 0
    assert model.get_layer("features").input is extra.output
    assert np.min(model.get_layer("features")(np.array([-1.0]))) == 0


def test_last_stage_of_densenet_conv_but_one_is_the_densenet():
    model, row = graph("densenet_conv"), registry.get("densenet_conv")
    densenet = keras.Model(model.input, model.get_layer(row.stages[-2]).output)
    frozen = {layer.name for layer in densenet.layers}
    assert {layer.name for layer in model.layers} - frozen == {"extra.conv", "features"}
