"""Mixed precision and the compiled step: what is computed in which dtype, and where."""

import functools
import json
import os
import re
import subprocess
import sys

import keras
import numpy as np
import precision_steps as steps
import pytest
import tensorflow as tf
import tiny
from keras import ops

from covid_keras.models import heads
from covid_keras.models.create import create_model
from covid_keras.models.network import PREPROCESSING
from covid_keras.training import fit
from covid_keras.training.augmentation import Mixup, RandomAffine, RandomCropFlip, RandomPhotometric
from covid_keras.training.checkpoint import load_checkpoint, save_checkpoint
from covid_keras.training.classifier import Classifier
from covid_keras.training.lamb import LAMB
from covid_keras.training.schedule import recipe_schedule, warmup_step_decay

POLICIES = ("mixed_bfloat16", "mixed_float16")
FLOAT16 = {"training_precision": "mixed_float16"}
HOST_CALLS = {"PyFunc", "PyFuncStateless", "EagerPyFunc", "HostCompute", "XlaHostCompute"}


def slow(*values) -> list:
    return [pytest.param(value, marks=pytest.mark.slow) for value in values]


@pytest.fixture(autouse=True)
def float32_afterwards():
    yield
    keras.config.set_dtype_policy("float32")


@pytest.fixture(scope="module")
def on_jax(tmp_path_factory) -> dict:
    """What `precision_steps` reports under JAX."""
    pytest.importorskip("jax", reason="the extra jax is not installed")
    done = subprocess.run(
        [sys.executable, steps.__file__, str(tmp_path_factory.mktemp("jax"))],
        env={**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["backend"] == "jax"
    return report


# Loss scaling


@pytest.mark.parametrize("name", ["sgd", "lamb", *slow("adam")])
def test_schedule_governs_the_scaled_optimiser_and_skips_no_rate(monkeypatch, name):
    """A skipped step uses up no rate: the next finite one has the rate that it would have had."""
    recipe = tiny.recipe(**steps.OPTIMIZERS[name], **FLOAT16)
    classifier = steps.build(recipe)
    optimizer = classifier.optimizer
    assert isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    rates, update = [], optimizer.inner_optimizer.update_step

    def watched(gradient, variable, learning_rate):
        rates.append(float(learning_rate))
        return update(gradient, variable, learning_rate)

    monkeypatch.setattr(optimizer.inner_optimizer, "update_step", watched)
    overflows = (0, 3, 4, 9)
    for step in range(recipe.training.steps + len(overflows)):
        slope = np.inf if step in overflows else 1.0
        optimizer.apply([slope * ops.ones(v.shape) for v in classifier.trainable_variables])
    schedule = recipe_schedule(recipe.training)
    expected = [schedule.at(step) for step in range(recipe.training.steps)]
    for rate in np.reshape(rates, (-1, len(classifier.trainable_variables))).T:
        np.testing.assert_allclose(rate, expected, rtol=1e-6)
    assert len(set(expected)) > 3


@pytest.mark.parametrize("name", steps.OPTIMIZERS)
def test_overflow_halves_the_scale_and_changes_nothing_else(name):
    classifier = steps.build(tiny.recipe(**steps.OPTIMIZERS[name], **FLOAT16))
    optimizer, variables = classifier.optimizer, classifier.trainable_variables
    gradients = [np.random.default_rng(0).normal(size=v.shape) * 2.0**15 for v in variables]
    gradients = [ops.convert_to_tensor(g, "float32") for g in gradients]
    optimizer.apply(gradients)
    state = [*variables, *optimizer.inner_optimizer.variables]
    before = [v.numpy() for v in state]
    optimizer.apply([*gradients[:-1], gradients[-1] * np.nan])
    for value, variable in zip(before, state, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)
    assert float(optimizer.dynamic_scale) == 2.0**14 and int(optimizer.step_counter) == 0
    optimizer.apply(gradients)
    assert all((v.numpy() != value).any() for value, v in zip(before, state, strict=True))


def expected_weights(name: str, slopes) -> list[float]:
    """The weight of `Slope` after each step, in double precision; every finite slope is 1."""
    weight, velocity, step, found = 1.0, 0.0, 0, []
    for slope in slopes:
        if slope == 1:
            rate = warmup_step_decay(*steps.SCHEDULE).at(step)
            velocity = 0.9 * velocity - rate
            change = {"sgd": velocity, "adam": -rate, "lamb": -rate * weight}[name]
            weight, step = weight + change, step + 1
        found.append(weight)
    return found


def expected_scales(slopes) -> list[tuple]:
    """Scale, steps since it changed, steps of the optimiser; it doubles after every 4."""
    scale, counter, step, found = 2.0**15, 0, 0, []
    for slope in slopes:
        step += slope == 1
        counter += 1
        if slope != 1:
            scale, counter = scale / 2, 0
        elif counter == 4:
            scale, counter = scale * 2, 0
        found.append((scale, counter, step))
    return found


def assert_steps_are_scaled(name: str, found: list) -> None:
    weights, *scales = np.array(found).T
    np.testing.assert_array_equal(np.transpose(scales), expected_scales(steps.SLOPES))
    np.testing.assert_allclose(weights, expected_weights(name, steps.SLOPES), rtol=2e-5)


@pytest.mark.parametrize("name", steps.OPTIMIZERS)
def test_compiled_steps_are_scaled_skipped_and_grow_the_scale(name):
    assert_steps_are_scaled(name, steps.scaled_steps(name, jit_compile=False))


@pytest.mark.slow
@pytest.mark.parametrize("name", steps.OPTIMIZERS)
def test_xla_scales_skips_and_grows_as_well(name):
    assert_steps_are_scaled(name, steps.scaled_steps(name, jit_compile=True))


@pytest.mark.slow
@pytest.mark.parametrize("name", steps.OPTIMIZERS)
def test_jax_scales_skips_and_grows_as_well(on_jax, name):
    assert_steps_are_scaled(name, on_jax["scaled"][name])


def kernel_change(precision: str, *, scaled: bool = True) -> np.ndarray:
    """What one step changes in the first kernel, where the loss is about 1e-6."""
    recipe = tiny.recipe(**steps.WITHOUT_CHANCE, training_precision=precision)
    classifier = steps.build(recipe)
    with steps.policy(precision):
        optimizer = keras.optimizers.SGD(1e4)
        classifier.compile(optimizer, jit_compile=False, auto_scale_loss=scaled)
    kernel = classifier.network.trainable_variables[0]
    classifier.network.get_layer("head").bias.assign([7.0, -7.0])
    data = steps.batch(16) | {"label": np.zeros(4, "int32")}
    before = kernel.numpy()
    loss = classifier.train_on_batch(data, return_dict=True)["loss"]
    assert 1e-7 < loss < 1e-5
    return kernel.numpy() - before


def test_scaling_keeps_gradients_that_float16_loses():
    expected = kernel_change("float32")
    assert np.abs(expected).max() > 1e-5
    found = kernel_change("mixed_float16")
    np.testing.assert_allclose(found, expected, atol=0.01 * np.abs(expected).max())
    assert (kernel_change("mixed_float16", scaled=False) == 0).all()


def test_overflow_of_gradients_stops_no_run(tmp_path):
    run = tiny.start_run(tmp_path, **FLOAT16, training_steps=24)
    optimizer = fit.train(run, callbacks=[steps.StartScale(2.0**30)]).optimizer
    skipped = 24 - int(optimizer.iterations)
    assert skipped > 3
    assert float(optimizer.dynamic_scale) == 2.0 ** (30 - skipped)
    with np.load(run.last_checkpoint) as file:
        assert all(np.isfinite(file[name]).all() for name in file.files)


@pytest.mark.parametrize("name", ["lamb", *slow("sgd", "adam")])
def test_checkpoint_holds_every_variable_but_metrics_and_rates(tmp_path, name):
    recipe = tiny.recipe(**steps.OPTIMIZERS[name], **FLOAT16)
    kept, fresh = steps.build(recipe), steps.build(recipe)
    steps.losses(kept, 3)
    kept.optimizer.dynamic_scale.assign(2.0**11)
    kept.optimizer.step_counter.assign(5)
    save_checkpoint(tmp_path / "last.npz", kept, {"step": 0})
    load_checkpoint(tmp_path / "last.npz", fresh)
    ours, theirs = state(kept), state(fresh)
    assert {"dynamic_scale", "step_counter", "iteration", "seed_generator_state"} <= {*ours}
    assert ours.keys() == theirs.keys()
    for key, values in ours.items():
        for one, other in zip(values, theirs[key], strict=True):
            np.testing.assert_array_equal(one, other, err_msg=key)


def state(classifier: Classifier) -> dict[str, list]:
    """All variables of a classifier and its scaled optimiser, by name without numbers."""
    found, scaled = {}, classifier.optimizer
    owners = (classifier.network, classifier.augment, classifier.mixup, scaled.inner_optimizer)
    own = [scaled.dynamic_scale, scaled.step_counter]
    for variable in own + [variable for owner in owners for variable in owner.variables]:
        name = re.sub(r"_\d+", "", variable.name)
        if name != "learning_rate":
            found.setdefault(name, []).append(variable.numpy())
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", steps.OPTIMIZERS)
def test_resume_under_a_changing_scale_is_exact(tmp_path, name):
    changes = {**FLOAT16, **steps.OPTIMIZERS[name], "training_steps": 10}
    assert steps.resumed_run(tmp_path, [steps.StartScale(2.0**27, growth_steps=2)], **changes)


@pytest.mark.slow
def test_resume_under_a_changing_scale_is_exact_on_jax(on_jax):
    assert on_jax["resumed"]


@pytest.mark.parametrize("precision", ["mixed_float16", *slow("mixed_bfloat16")])
def test_lamb_keeps_slots_and_norms_in_float32(precision):
    seen = set()

    class Watched(LAMB):
        def trust_ratio(self, variable, direction):
            ratio = super().trust_ratio(variable, direction)
            values = (ops.convert_to_tensor(variable), direction, ratio)
            seen.update(keras.backend.standardize_dtype(value.dtype) for value in values)
            return ratio

    changes = steps.OPTIMIZERS["lamb"] | {"training_precision": precision}
    recipe = tiny.recipe(**changes)
    classifier, schedule = steps.build(recipe), recipe_schedule(recipe.training)
    with steps.policy(precision):
        classifier.compile(Watched(schedule, weight_decay=0.5), jit_compile=False)
    classifier.train_on_batch(steps.batch())
    inner = getattr(classifier.optimizer, "inner_optimizer", classifier.optimizer)
    slots = [v for v in inner.variables if v.name != "iteration"]
    assert len(slots) == 2 * len(classifier.trainable_variables)
    assert {v.dtype for v in (*slots, *classifier.trainable_variables)} == {"float32"}
    assert seen == {"float32"}


# Augmentation


@functools.cache
def seen_by_the_network(precision: str, name: str) -> dict[str, np.ndarray]:
    """Output of each stage of the classifier's input, at sides beyond bfloat16's integers."""
    changes = {"input_resize": (84, 310), "input_crop": (80, 300), "model_activation": "softmax"}
    recipe = tiny.recipe(**steps.changes_of(name) | changes)
    with steps.policy(precision):
        inputs = keras.Input((80, 300, 3))
        network = keras.Model(inputs, keras.layers.Flatten()(inputs))
        classifier = Classifier(network, PREPROCESSING["torch"], recipe)
    stages, rng = {}, np.random.default_rng(0)
    for stage in ("augment", "normalise"):
        layer = getattr(classifier, stage)
        layer.call = noting(layer.call, stages, stage)
    images = rng.integers(0, 256, (4, 84, 310, 1), np.uint8)
    outputs = classifier({"image": images, "label": np.arange(4)}, training=True)
    return stages | {"input": outputs["logits"], "targets": outputs["targets"]}


def noting(call, stages: dict, stage: str):
    def noted(*arguments, **settings):
        stages[stage] = call(*arguments, **settings)
        return stages[stage]

    return noted


@pytest.mark.parametrize("name", steps.NAMES)
@pytest.mark.parametrize("precision", POLICIES)
def test_images_and_targets_are_rounded_once_before_the_network(precision, name):
    exact, found = (seen_by_the_network(policy, name) for policy in ("float32", precision))
    assert found["targets"].dtype == tf.float32
    np.testing.assert_array_equal(found["targets"], exact["targets"])
    np.testing.assert_array_equal(found["augment"], exact["augment"])
    assert found["input"].dtype == precision.removeprefix("mixed_")
    np.testing.assert_array_equal(found["input"], tf.cast(exact["input"], found["input"].dtype))
    normalised = tf.cast(exact["normalise"], found["normalise"].dtype)
    np.testing.assert_array_equal(found["normalise"], normalised)
    assert np.ptp(exact["augment"]) > 200, "the images are still in grey levels"


LAYERS = {
    "crop": lambda: RandomCropFlip(6, 300, flip=True, seed=0),
    "affine": lambda: RandomAffine(15.0, 0.1, 0.1, seed=0),
    "photometric": lambda: RandomPhotometric(0.5, 10.0, 0.2, 0.2, seed=0),
    "mixup": lambda: Mixup(0.3, seed=0),
}


@pytest.mark.parametrize("name", LAYERS)
def test_each_layer_keeps_float32_under_any_policy(name):
    images = np.random.default_rng(0).uniform(0, 255, (3, 8, 310, 1)).astype("float32")
    arguments = (images, np.eye(3, dtype="float32")) if name == "mixup" else (images,)
    found = []
    for precision in ("float32", *POLICIES):
        with steps.policy(precision):
            outputs = LAYERS[name]()(*arguments, training=True)
        found.append([ops.convert_to_numpy(output) for output in keras.tree.flatten(outputs)])
    for values in zip(*found, strict=True):
        assert {value.dtype.name for value in values} == {"float32"}
        np.testing.assert_array_equal(values[1:], [values[0]] * len(POLICIES))


@pytest.mark.parametrize("precision", POLICIES)
@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_loss_logits_and_targets_are_float32(precision, activation):
    changes = {"training_precision": precision, "model_activation": activation}
    classifier = steps.build(tiny.recipe(**changes))
    for training in (True, False):
        outputs = classifier(steps.batch(20 if training else 16), training=training)
        loss = classifier.compute_loss(y_pred=outputs)
        assert {outputs["logits"].dtype, outputs["targets"].dtype, loss.dtype} == {tf.float32}


@pytest.mark.parametrize("precision", POLICIES)
@pytest.mark.parametrize("name", heads.HEADS)
def test_heads_compute_in_float32(precision, name):
    with steps.policy(precision):
        features = keras.layers.ReLU(name="features")(keras.Input((3, 3, 8)))
        logits = heads.get(name)(features, 3, None, 0.3)
    model = keras.Model(features, logits)
    dtypes = {layer.compute_dtype for layer in model.layers if heads.is_head(layer.name)}
    assert dtypes == {model.get_layer("pool").compute_dtype} == {logits.dtype} == {"float32"}


@pytest.mark.parametrize("precision", POLICIES)
@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("squeezenet", "linear"),
        ("squeezenet", "original"),
        pytest.param("shufflenet_v2_x0_5", "linear", marks=pytest.mark.slow),
    ],
)
def test_small_networks_give_float32_logits(precision, name, head):
    with steps.policy(precision):
        network = create_model(name, classes=2, input_shape=(48, 48, 3), head=head)
    assert network.get_layer("features").output.dtype == precision.removeprefix("mixed_")
    assert network.output.dtype == "float32"


# One compiled step

BATCH = [["image", "uint8", [4, 20, 20, 1]], ["label", "int32", [4]]]


def test_a_run_hands_the_step_uint8_images_and_int32_labels(tmp_path):
    run = tiny.start_run(tmp_path, training_steps=4)
    assert steps.seen_by_the_step(run) == BATCH


@pytest.mark.slow
def test_a_run_hands_the_step_uint8_images_and_int32_labels_on_jax(on_jax):
    assert on_jax["seen"] == BATCH


def operations(graph: tf.Graph) -> set[str]:
    definition = graph.as_graph_def()
    functions = [node for function in definition.library.function for node in function.node_def]
    return {node.op for node in (*definition.node, *functions)}


@pytest.mark.parametrize("name", ["ct-bit", "ct-networks", *slow("cxr-bit", "xray-3class")])
def test_the_traced_step_calls_nothing_on_the_host(name):
    classifier = steps.build(tiny.recipe(**steps.changes_of(name)))
    data = {key: tf.TensorSpec(v.shape, v.dtype) for key, v in steps.batch().items()}
    traced = tf.function(classifier.train_step).get_concrete_function(data)
    found = operations(traced.graph)
    assert not found & HOST_CALLS and {"Conv2D", "Conv2DBackpropFilter"} <= found
    captured = {tensor.dtype for tensor, _ in traced.graph.captures}
    assert captured == {tf.resource}, "only variables, which live on the device"
    given = [v.dtype for v in traced.inputs if v.dtype != tf.resource]
    assert given == [tf.uint8, tf.int32]


def test_host_calls_are_found_where_there_are_any():
    traced = tf.function(lambda x: tf.numpy_function(np.sin, [x], tf.float32))
    assert operations(traced.get_concrete_function(tf.TensorSpec((), "float32")).graph) & HOST_CALLS


@pytest.mark.slow
@pytest.mark.parametrize("name", steps.NAMES)
def test_xla_gives_the_same_losses_within_a_ten_thousandth(name):
    """Without dropout: Keras' own draws otherwise under XLA."""
    changes, found = steps.changes_of(name) | {"model_dropout": 0.0}, []
    for jit in ("off", "on"):
        classifier = steps.build(tiny.recipe(**changes, training_jit=jit))
        assert classifier.jit_compile == (jit == "on")
        found.append(steps.losses(classifier, 4))
    np.testing.assert_allclose(*found, rtol=1e-4)
    assert len(set(found[0])) == 4


@pytest.mark.slow
@pytest.mark.parametrize("name", steps.NAMES)
def test_jax_compiles_a_step_that_calls_nothing_and_copies_nothing(on_jax, name):
    report = on_jax["recipes"][name]
    assert not any("callback" in call for call in report["calls"]), report["calls"]
    assert np.isfinite(report["losses"]).all() and len(set(report["losses"])) == 3
    assert report["refused"], "the guard would have told of a copy from the host"


@pytest.mark.slow
@pytest.mark.parametrize("name", steps.OPTIMIZERS)
def test_tensorflow_and_jax_agree_where_nothing_is_drawn(on_jax, name):
    ours, theirs = steps.steps_without_chance(name), on_jax["without_chance"][name]
    np.testing.assert_allclose(ours["losses"], theirs["losses"], rtol=1e-5)
    np.testing.assert_allclose(ours["weights"], theirs["weights"], atol=1e-5)
    assert len(set(np.round(ours["losses"], 4))) > 3
