"""What every network of the table must do, whatever its family.

The graph of every row is checked by default: shapes and counts need no weights. The rest runs by
default on the three smallest rows, and on the others as slow tests. BiT's wide networks run with
one unit a block at their full width, since whole they have 0.8 to 3.7 GB of weights. Two of them
run as a graph only: bit_r101x3, which is bit_r50x3 then, and bit_r152x4, which takes as long as
all ResNets even so, and of which test_bit.py compares the numbers at full width.
"""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import keras
import ml_dtypes
import numpy as np
import pytest
from table_networks import (
    CLASSES,
    blobs,
    build,
    distance,
    norms,
    relative,
    wake,
    with_features,
    without_weights,
)

from covid_keras.explain.maps import Explainer
from covid_keras.explain.methods import integrated_gradients, occlusion, scorecam, smoothgrad
from covid_keras.models import registry
from covid_keras.models.create import create_model, freeze_layers
from covid_keras.models.network import Network
from covid_keras.runs.map_methods import METHODS

SMALLEST = ("squeezenet", "shufflenet_v2_x0_5", "resnet18")
FAST_METHODS = ("gradcam", "gradcam++", "layercam")
GRAPH_ONLY = ("bit_r101x3", "bit_r152x4")
LIKE = {
    "bit_r50x3": "bit_r50x1",
    "bit_r152x2": "bit_r50x1",
    "bit_r101x1": "bit_r50x1",
    "resnet101": "resnet50",
    "resnext101": "resnext50",
    "densenet169": "densenet121",
    "densenet201": "densenet121",
    "densenet_conv": "densenet121",
}
"""Rows of the same kinds of layers as another one, more or wider ones."""
SMALL, ODD = (96, 80), (107, 83)
BFLOAT16 = 16
"""Largest change of the features by mixed_bfloat16, in units of the change by images rounded to
bfloat16. Measured: 1.6 to 8.9. The unit is 0.1 % of the features' length in SqueezeNet and 21 % in
bit_r101x1: random weights amplify what is new, and the more of them the more."""


@dataclass(frozen=True)
class Case:
    """A row of the table, built, with weights under which its outputs depend on its images."""

    row: Network
    model: keras.Model
    images: np.ndarray
    logits: np.ndarray
    file: Path


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(name, marks=[] if name in SMALLEST else pytest.mark.slow)
        for name in registry.NETWORKS
        if name not in GRAPH_ONLY
    ],
)
def case(request, tmp_path_factory) -> Case:
    keras.utils.set_random_seed(7)
    model = build(request.param)
    wake(model)
    images = blobs(SMALL)
    file = tmp_path_factory.mktemp("case") / "model.keras"
    model.save(file)
    logits = np.asarray(model(images, training=False))
    yield Case(registry.get(request.param), model, images, logits, file)
    file.unlink()
    keras.utils.clear_session()


@pytest.mark.parametrize("name", registry.NETWORKS)
def test_graph(name):
    row = registry.get(name)
    with without_weights():
        model = create_model(name, classes=1, input_shape=(*row.input_size, 3))
        for layer in model.layers:
            type(layer).from_config(layer.get_config())
    names = [layer.name for layer in model.layers]
    assert model.name == name
    assert names[0] == model.input.name == "image"
    assert names[-3:] == ["features", "pool", "head"]
    assert not any(isinstance(layer, keras.Model) for layer in model.layers)
    assert sum(int(np.prod(v.shape)) for v in model.trainable_variables) == row.parameters
    assert model.get_layer(row.gradcam_layer).output.shape[-1] == row.features
    assert_in_order(row, model)
    freeze_layers(model, row, row.freezes[-2])
    assert not model.get_layer(row.stages[-1]).trainable and model.get_layer("head").trainable


def assert_in_order(row: Network, model: keras.Model) -> None:
    """Each stage lies on the way to the next, and its map is no larger."""
    before, size = set(), row.input_size
    for stage in row.stages:
        output = model.get_layer(stage).output
        leading = {layer.name for layer in keras.Model(model.input, output).layers}
        assert before < leading
        assert output.shape[1] <= size[0] and output.shape[2] <= size[1]
        before, size = leading, output.shape[1:3]


def test_forward_at_the_canvas_and_at_an_odd_size(case):
    body = with_features(case.model)
    for size in (case.row.input_size, ODD):
        maps, logits = (np.asarray(x) for x in body(blobs(size, count=1), training=False))
        inferred, _ = body.compute_output_shape((1, *size, 3))
        assert maps.shape == tuple(inferred)
        assert maps.shape[1] >= 2 and maps.shape[2] >= 1 and maps.shape[3] == case.row.features
        assert logits.shape == (1, CLASSES)
        assert np.isfinite(maps).all() and np.isfinite(logits).all()


def test_the_image_decides(case):
    """Else the other comparisons would compare biases. Measured: 8 % or more."""
    first, second = case.logits
    assert np.abs(first - second).max() > 0.05 * np.abs(case.logits).max()


def test_the_gradient_reaches_every_variable(case):
    """In inference where there is batch normalisation: in training it takes away what a bias in
    front of it adds (keras.applications' ResNets), whose gradient is then rounding alone."""
    import tensorflow as tf

    variables = case.model.trainable_variables
    with tf.GradientTape() as tape:
        logits = case.model(case.images, training=not norms(case.model))
        total = tf.reduce_sum(logits * [[1.0, -2.0], [3.0, 1.0]])
    gradients = tape.gradient(total, [variable.value for variable in variables])
    for variable, gradient in zip(variables, gradients, strict=True):
        assert gradient is not None, variable.path
        assert np.isfinite(gradient).all() and np.abs(gradient).max() > 1e-6, variable.path


def test_save_and_reload(case):
    twin = keras.saving.load_model(case.file)
    assert [v.path for v in twin.weights] == [v.path for v in case.model.weights]
    assert relative(twin(case.images, training=False), case.logits) < 1e-6


@pytest.fixture
def mixed_bfloat16():
    keras.config.set_dtype_policy("mixed_bfloat16")
    yield
    keras.config.set_dtype_policy("float32")


def test_mixed_bfloat16_is_close(case, mixed_bfloat16):
    with without_weights():
        half = with_features(build(case.row.name))
    full = with_features(case.model)
    kinds = (full.trainable_variables, full.non_trainable_variables)
    weights = [[variable.value for variable in kind] for kind in kinds]
    (features, logits), _ = half.stateless_call(*weights, case.images, training=False)
    assert (features.dtype, logits.dtype) == ("bfloat16", "float32")
    assert np.isfinite(logits).all()
    expected, _ = full(case.images, training=False)
    rounded, _ = full(case.images.astype(ml_dtypes.bfloat16).astype(np.float32), training=False)
    assert distance(features, expected) < BFLOAT16 * distance(rounded, expected)


def test_xla_changes_nothing(case):
    import tensorflow as tf

    if case.row.name in LIKE:
        pytest.skip(f"the layers of {LIKE[case.row.name]}; XLA has the graph in the test with JAX")
    compiled = tf.function(lambda x: case.model(x, training=False), jit_compile=True)
    assert relative(compiled(case.images), case.logits) < 1e-4


@pytest.fixture(scope="module")
def jax_process():
    """What gives the process for all rows; starting one takes as long as a small network does."""
    pytest.importorskip("jax", reason="jax is not installed")
    program = [sys.executable, str(Path(__file__).parents[1] / "helpers" / "jax_forward.py")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    started = []

    def process() -> subprocess.Popen:
        """The last one started, or another where an error ended it."""
        if not started or started[-1].poll() is not None:
            started.append(subprocess.Popen(program, **pipes))
        return started[-1]

    yield process
    for each in started:
        each.communicate()


def test_jax_gives_the_same(case, jax_process, tmp_path):
    np.save(tmp_path / "images.npy", case.images)
    outputs = tmp_path / "logits.npy"
    process = jax_process()
    print(case.file, tmp_path / "images.npy", outputs, file=process.stdin, flush=True)
    assert process.stdout.readline().strip() == "jax"
    assert relative(np.load(outputs), case.logits) < 1e-4


@pytest.mark.parametrize(
    "method",
    [
        pytest.param(method, marks=[] if method in FAST_METHODS else pytest.mark.slow)
        for method in METHODS
    ],
)
def test_every_method_gives_maps(case, method, monkeypatch):
    for module, most in ((scorecam, "CHANNELS"), (integrated_gradients, "STEPS")):
        monkeypatch.setattr(module, most, 4)
    monkeypatch.setattr(smoothgrad, "SAMPLES", 4)
    monkeypatch.setattr(occlusion, "CELLS", 4)
    maps = Explainer(case.model, method).maps(case.images, [0, 1])
    assert maps.shape == (len(case.images), *SMALL) and maps.dtype == np.float32
    assert np.isfinite(maps).all() and maps.any()
