"""LAMB against tensorflow-addons 0.23, on recorded numbers."""

from pathlib import Path

import keras
import lamb_cases
import numpy as np
import pytest

from covid_keras import recipes
from covid_keras.models import heads
from covid_keras.recipes import config
from covid_keras.training.lamb import LAMB, warn_of_zeros
from covid_keras.training.schedule import optimizer

ORACLES = Path(__file__).parents[1] / "oracles"


def variables() -> list[keras.Variable]:
    made = []
    for path, value in lamb_cases.variables().items():
        scope, name = path.split("/")
        with keras.name_scope(scope):
            made.append(keras.Variable(value, name=name))
    return made


def flat(values) -> np.ndarray:
    return np.concatenate([np.asarray(value).ravel() for value in values])


def apply(optimizer, values, step: int) -> None:
    gradients = [keras.ops.convert_to_tensor(g) for g in lamb_cases.gradients(step)]
    optimizer.apply(gradients, values)


@pytest.fixture(scope="module")
def recorded() -> dict[str, np.ndarray]:
    with np.load(ORACLES / "lamb.npz") as file:
        return dict(file)


@pytest.mark.parametrize("case", lamb_cases.CASES)
def test_five_steps_equal_tensorflow_addons(recorded, case):
    values = variables()
    optimizer = LAMB(lamb_cases.RATE, **lamb_cases.CASES[case])
    optimizer.build(values)
    for step in range(lamb_cases.STEPS):
        apply(optimizer, values, step)
        expected = recorded[f"{case}_{step}"]
        np.testing.assert_allclose(flat(values), expected, rtol=0, atol=1e-6)
        moved = np.abs(expected - flat(lamb_cases.variables().values())).max()
        assert moved > 1e-4, "the case must move the variables further than the tolerance"


def test_keras_own_lamb_is_another_one(recorded):
    values = variables()
    optimizer = keras.optimizers.Lamb(lamb_cases.RATE, weight_decay=1.0, epsilon=1e-6)
    optimizer.build(values)
    for step in range(lamb_cases.STEPS):
        apply(optimizer, values, step)
    expected = recorded[f"decay_1_{lamb_cases.STEPS - 1}"]
    assert np.abs(flat(values) - expected).max() > 1e-4


def test_config_there_and_back_and_state_is_kept(recorded, tmp_path):
    settings = lamb_cases.CASES["excluded_apart"]
    first = LAMB(lamb_cases.RATE, **settings)
    values = variables()
    first.build(values)
    for step in range(2):
        apply(first, values, step)
    config = keras.optimizers.serialize(first)
    second = keras.optimizers.deserialize(config)
    copies = variables()
    second.build(copies)
    for copy, value in zip([*copies, *second.variables], [*values, *first.variables], strict=True):
        copy.assign(value)
    for step in range(2, lamb_cases.STEPS):
        apply(second, copies, step)
    expected = recorded[f"excluded_apart_{lamb_cases.STEPS - 1}"]
    np.testing.assert_allclose(flat(copies), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_trains_in_fit(jit_compile):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(1)]
    )
    x = np.random.default_rng(0).normal(size=(64, 6)).astype("float32")
    y = x.sum(axis=1, keepdims=True)
    model.compile(LAMB(0.05), "mse", jit_compile=jit_compile)
    losses = model.fit(x, y, epochs=20, batch_size=32, verbose=0).history["loss"]
    assert losses[-1] < 0.2 * losses[0]


def train_head(head: str) -> np.ndarray:
    """Logits of separable features after protocol B's steps on COVID19-CT, the head alone."""
    rng = np.random.default_rng(0)
    labels = (np.arange(537) % 15 < 7).astype("float32")  # 349 of 746 are COVID
    direction = rng.normal(size=512)
    features = np.maximum(rng.normal(size=(537, 512)) + 0.4 * np.outer(labels, direction), 0)
    recipe = config.settled(recipes.get("ct-networks"), len(labels)).training
    assert recipe.steps == 1_700
    inputs = keras.Input((512,))
    keras.utils.set_random_seed(0)
    add = {"original": heads.published, "linear": heads.linear}[head]
    model = keras.Model(inputs, add(inputs, 1, None, 0.0))
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(optimizer(recipe), loss, steps_per_execution=17)
    model.fit(features, labels, batch_size=32, epochs=100, verbose=0)
    logits = np.asarray(model(features))[:, 0]
    return np.array([np.mean(logits > 0), np.mean((logits > 0) == labels)])


@pytest.mark.slow
def test_protocol_b_s_head_learns_both_classes_and_one_of_zeros_does_not():
    positive, right = train_head("original")
    assert 0.3 < positive < 0.7 and right > 0.85
    positive, right = train_head("linear")
    assert right < 0.7


def test_kernels_of_zeros_are_named(caplog):
    with keras.name_scope("head"):
        zeros = keras.Variable(np.zeros((3, 1)), name="kernel")
    with keras.name_scope("conv"):
        ones = keras.Variable(np.ones((3, 1)), name="kernel")
    warn_of_zeros([zeros, ones])
    assert [record.args for record in caplog.records] == [("head/kernel",)]
