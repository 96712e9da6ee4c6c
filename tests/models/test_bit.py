"""BiT against timm's PyTorch network in float64, with the same random .npz loaded by both."""

import os
import subprocess
import sys
from pathlib import Path

import bit_weights
import keras
import numpy as np
import pytest

from covid_keras.models import bit as bit_family
from covid_keras.models import registry
from covid_keras.models.bit import resnet_v2
from covid_keras.models.create import create_backbone, create_model
from covid_keras.models.weights.layout import Slot
from covid_keras.models.weights.load import load_weights

ORACLES = Path(__file__).parents[1] / "oracles"

SIZES = [(64, 64), (97, 75), (65, 129), (224, 224)]


@pytest.fixture(scope="module")
def recorded() -> dict[str, np.ndarray]:
    with np.load(ORACLES / "bit.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def npz(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("bit") / "bit.npz"
    bit_weights.write(path)
    return path


@pytest.fixture(scope="module")
def bit(npz) -> keras.Model:
    return create_backbone("bit_r50x1", weights=str(npz))


def small(size: int = 64) -> keras.Model:
    """One unit a block, with a head that is not zero."""
    inputs = keras.Input((size, size, 3))
    x = resnet_v2(inputs, (1, 1, 1, 1), 1)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, keras.layers.Dense(3, dtype="float32")(x))


def relative(found: np.ndarray, expected: np.ndarray) -> float:
    return float(np.abs(np.asarray(found) - expected).max() / np.abs(expected).max())


@pytest.mark.parametrize("height, width", SIZES)
def test_features_equal_timm(bit, recorded, height, width):
    expected = recorded[f"features_{height}x{width}"]
    found = np.asarray(bit(bit_weights.images(height, width)))[..., ::16]
    assert found.shape == expected.shape
    assert relative(found, expected) < 1e-4


@pytest.mark.parametrize("training", [False, True])
def test_root_gradient_equals_timm(bit, recorded, training):
    import tensorflow as tf

    kernel = bit.get_layer("root_block.standardized_conv2d").kernel.value
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(bit(bit_weights.images(64, 64), training=training))
    found = tape.gradient(total, kernel).numpy()[..., ::4]
    # Through random weights float32 alone moves this gradient: timm's own by 1.3e-2, ours by 2e-4
    # with TensorFlow's kernels, 3e-3 with oneDNN's for AVX2 and 8e-3 with those for AVX-512.
    assert relative(found, recorded["root_gradient"]) < 1.3e-2


def from_npz(folder: Path, name: str, units: tuple[int, ...]) -> keras.Model:
    """The features of the network `name` of the table, with other numbers of units."""
    width = registry.get(name).graph.keywords["width"]
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, resnet_v2(inputs, units, width))
    bit_weights.write(folder / "bit.npz", units, width)
    load_weights(model, folder / "bit.npz", registry.get(name))
    (folder / "bit.npz").unlink()
    return model


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name == "bit_r101x1" else pytest.mark.slow)
        for name in bit_weights.REDUCED
    ],
)
def test_reduced_sizes_equal_timm(recorded, tmp_path, name):
    model = from_npz(tmp_path, name, bit_weights.REDUCED[name])
    for height, width in [(64, 64), (97, 75)]:
        expected = recorded[f"{name}_{height}x{width}"]
        found = np.asarray(model(bit_weights.images(height, width)))
        assert found.shape[-1] == registry.get(name).features
        found = found[..., :: found.shape[-1] // 128]
        assert found.shape == expected.shape
        assert relative(found, expected) < 1e-4


@pytest.mark.slow
def test_the_whole_r101x1_equals_timm(recorded, tmp_path):
    model = from_npz(tmp_path, "bit_r101x1", (3, 4, 23, 3))
    found = np.asarray(model(bit_weights.images(97, 75)))[..., ::16]
    # Float32 through a hundred layers: 1.1e-4 from float64; timm's own float32 is 1.6e-4 from it.
    assert relative(found, recorded["deep_97x75"]) < 2e-4


@pytest.mark.parametrize("name", [row.name for row in bit_family.NETWORKS if row.weights])
def test_parameters_equal_timm(recorded, name):
    with keras.StatelessScope(initialize_variables=False):  # no memory for the large ones
        model = create_backbone(name)
    keras.utils.clear_session()  # else Keras initialises them when the next model is built
    features = model.output.shape[-1]
    counted = sum(int(np.prod(variable.shape)) for variable in model.weights) + features + 1
    row = registry.get(name)
    assert (counted, features) == (row.parameters, row.features)
    assert counted == recorded[f"parameters_{name}"]


def test_official_names(bit):
    slots = [Slot(layer, 0, weight) for layer in bit.layers for weight in layer.weights]
    ours = {bit_family.npz_name(slot): tuple(slot.variable.shape) for slot in slots}
    official = bit_weights.shapes()
    head = {name for name in official if name.startswith("resnet/head/")}
    assert ours == {name: shape for name, shape in official.items() if name not in head}


def test_zero_head_gives_zero_logits_and_names_for_explanations():
    model = create_model("bit_r50x1", classes=3, input_shape=(64, 64, 3))
    logits = np.asarray(model(bit_weights.images(64, 64)))
    np.testing.assert_array_equal(logits, np.zeros((2, 3)))
    assert model.get_layer("features").output.shape == (None, 2, 2, 2048)
    assert model.get_layer("pool").output.shape == (None, 2048)
    assert not any(isinstance(layer, keras.Model) for layer in model.layers)
    assert model.count_params() == 23_502_401 + 2 * 2049


def test_activation_of_the_outputs():
    model = create_model("bit_r50x1", classes=4, input_shape=(32, 32, 3), activation="softmax")
    np.testing.assert_allclose(model(bit_weights.images(32, 32)), np.full((2, 4), 0.25))


def test_every_trainable_variable_gets_a_gradient():
    import tensorflow as tf

    model = small()
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(model(bit_weights.images(64, 64), training=True)))
    variables = [variable.value for variable in model.trainable_variables]
    for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
        assert gradient is not None and np.abs(gradient.numpy()).max() > 0, variable.name


@pytest.mark.slow
@pytest.mark.parametrize("training", [False, True])
def test_xla_changes_nothing(training):
    import tensorflow as tf

    model, images = small(), bit_weights.images(64, 64)
    plain = tf.function(lambda x: model(x, training=training))
    compiled = tf.function(lambda x: model(x, training=training), jit_compile=True)
    assert relative(compiled(images), np.asarray(plain(images))) < 1e-4


@pytest.fixture
def mixed_bfloat16():
    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy("mixed_bfloat16")
    yield
    keras.config.set_dtype_policy("float32")


def test_mixed_bfloat16_is_close(mixed_bfloat16):
    half, images = small(), bit_weights.images(64, 64)
    keras.config.set_dtype_policy("float32")
    full = small()
    full.set_weights(half.get_weights())
    assert {variable.dtype for variable in half.weights} == {"float32"}
    assert half.get_layer("features").compute_dtype == "bfloat16"
    assert relative(half(images, training=True), np.asarray(full(images))) < 0.05


@pytest.mark.slow
def test_jax_equals_timm(npz):
    """The same graph under JAX, in a process of its own, against the numbers from PyTorch."""
    pytest.importorskip("jax")
    program = f"""
import sys; sys.path.insert(0, {str(ORACLES)!r})
import bit_weights, jax, keras, numpy as np
from covid_keras.models.create import create_backbone
model = create_backbone("bit_r50x1", weights={str(npz)!r})
images = bit_weights.images(97, 75)
found = np.asarray(model(images, training=True))[..., ::16]
expected = np.load({str(ORACLES / "bit.npz")!r})["features_97x75"]
print(keras.backend.backend(), np.abs(found - expected).max() / np.abs(expected).max())
"""
    environment = os.environ | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    backend, difference = done.stdout.split()[-2:]
    assert backend == "jax" and float(difference) < 1e-4


def test_the_first_runs_network_is_the_same_graph_at_a_quarter_of_the_width():
    """Two strides less, so that Grad-CAM has a map of 8x8 at 64 pixels."""
    small = create_backbone("bit_r14x0_25", input_shape=(64, 64, 3))
    assert small.output.shape == (None, 8, 8, 512)
    official = bit_weights.shapes((1, 1, 1, 1))
    slots = [Slot(layer, 0, weight) for layer in small.layers for weight in layer.weights]
    ours = {bit_family.npz_name(slot): slot.variable.shape for slot in slots}
    assert set(ours) == {name for name in official if not name.startswith("resnet/head/")}
    for name, shape in ours.items():
        wide = official[name]
        assert tuple(shape) == tuple(x if x in (1, 3, 7) else x // 4 for x in wide), name
    groups = {layer.groups for layer in small.layers if hasattr(layer, "groups")}
    assert groups == {8}
