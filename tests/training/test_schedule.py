"""The schedule at every knee, against the authors' rule, and inside Keras."""

import dataclasses

import keras
import numpy as np
import pytest

from covid_keras import recipes
from covid_keras.recipes import config
from covid_keras.recipes.settings import override
from covid_keras.training.schedule import (
    StepSchedule,
    WarmupStepDecay,
    optimizer,
    recipe_schedule,
    warmup_step_decay,
)

CT_BIT = recipes.get("ct-bit")
PAPER = (500, 3000, 6000, 9000, 10000)
STUDIED = (
    (100, 200, 300, 400, 500),
    (500, 1500, 3000, 4500, 5000),
    PAPER,
    (500, 6000, 12000, 18000, 20000),
)


def big_transfer_rate(step: int, supports: tuple, base_lr: float) -> float | None:
    """`get_lr` of google-research/big_transfer, bit_hyperrule.py, with the schedule given."""
    if step < supports[0]:
        return base_lr * step / supports[0]
    if step >= supports[-1]:
        return None
    for s in supports[1:]:
        if s < step:
            base_lr /= 10
    return base_lr


@pytest.mark.parametrize("schedule", STUDIED)
def test_rate_equals_big_transfer_at_every_step(schedule):
    for step in range(schedule[-1]):
        expected = big_transfer_rate(step, schedule, 0.003)
        assert warmup_step_decay(0.003, schedule).at(step) == pytest.approx(expected, rel=1e-12)


def test_rate_at_the_papers_knees():
    rates = {
        0: 0,
        250: 0.0015,
        499: 0.003 * 499 / 500,
        500: 0.003,
        3000: 0.003,
        3001: 3e-4,
        6000: 3e-4,
        6001: 3e-5,
        9000: 3e-5,
        9001: 3e-6,
        9999: 3e-6,
    }
    for step, rate in rates.items():
        assert warmup_step_decay(0.003, CT_BIT.training.schedule).at(step) == pytest.approx(rate)


@pytest.mark.parametrize("schedule", STUDIED)
def test_keras_schedule_equals_big_transfer_around_every_knee(schedule):
    in_keras = warmup_step_decay(0.003, schedule)
    steps = {0, 1, *(knee + d for knee in schedule for d in (-1, 0, 1))} - {schedule[-1] + 1}
    for step in sorted(steps):
        expected = in_keras.at(step)
        assert float(in_keras(step)) == pytest.approx(expected, rel=1e-6)
    again = StepSchedule.from_config(in_keras.get_config())
    assert float(again(7)) == float(in_keras(7))


@pytest.mark.parametrize("together", [1, 8])
def test_callback_applies_the_exact_rate_in_every_step(together):
    """The weight moves by rate x 1 a step: its path is the running sum of the schedule."""
    schedule = (4, 10, 14, 20, 24)
    inputs = keras.Input((1,))
    model = keras.Model(inputs, keras.layers.Dense(1, use_bias=False)(inputs))
    model.set_weights([np.zeros((1, 1))])
    model.compile(keras.optimizers.SGD(1.0), loss=lambda y, out: -out, steps_per_execution=together)
    path = []
    note = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: path.append(float(model.get_weights()[0][0, 0]))
    )
    ones = np.ones((24, 1), "float32")
    callbacks = [WarmupStepDecay(0.5, schedule), note]
    model.fit(ones, ones, batch_size=1, callbacks=callbacks, verbose=0)
    expected = np.cumsum([warmup_step_decay(0.5, schedule).at(step) for step in range(24)])
    np.testing.assert_allclose(path, expected[together - 1 :: together], rtol=1e-5)


def test_scaled_schedule_keeps_its_proportions():
    assert CT_BIT.training.knees == PAPER
    shorter = dataclasses.replace(CT_BIT.training, steps=200)
    assert shorter.knees == (10, 60, 120, 180, 200)


def test_stretches_cover_all_steps():
    assert config.stretches(10000, 100, 0) == [(0, 10000, 100)]
    assert config.stretches(250, 100, 0) == [(0, 200, 100), (200, 250, 50)]
    assert config.stretches(250, 100, 100) == [(100, 200, 100), (200, 250, 50)]
    assert config.stretches(250, 100, 200) == [(200, 250, 50)]
    assert config.stretches(250, 100, 250) == []
    assert config.stretches(50, 100, 0) == [(0, 50, 50)]


def test_rates_of_protocol_b_hold_from_their_epoch_on():
    """3e-4, from epoch 50 1e-4, from 70 3e-5, from 80 1e-5, from 90 3e-6: 7 steps an epoch."""
    training = dataclasses.replace(
        CT_BIT.training,
        steps=700,
        schedule=(0, 50, 70, 80, 90, 100),
        rates=(3e-4, 1e-4, 3e-5, 1e-5, 3e-6),
    )
    inside = recipe_schedule(training)
    begins = {0: 3e-4, 50: 1e-4, 70: 3e-5, 80: 1e-5, 90: 3e-6}
    for step in range(700):
        expected = [rate for epoch, rate in begins.items() if epoch <= step // 7][-1]
        assert inside.at(step) == expected
        assert float(inside(keras.ops.convert_to_tensor(step))) == pytest.approx(expected)


def test_steps_follow_from_epochs_and_images():
    recipe = override(CT_BIT, {"training.epochs": 100, "training.eval_every": 0})
    settled = config.settled(recipe, images=597).training
    assert (settled.steps, settled.eval_every) == (1000, 10)
    assert config.settled(CT_BIT, images=597) == CT_BIT


@pytest.mark.parametrize("name", ["sgd", "adam", "lamb"])
def test_optimizer_by_name(name):
    training = dataclasses.replace(CT_BIT.training, optimizer=name, weight_decay=0.5)
    made = optimizer(training)
    assert type(made).__name__.lower() == name
    made.iterations.assign(training.schedule[0])
    assert float(made.learning_rate) == pytest.approx(0.003)
    assert getattr(made, {"sgd": "momentum", "adam": "beta_1", "lamb": "beta_1"}[name]) == 0.9
    if name == "lamb":
        assert made.decay == 0.5
