"""The training step of several models at once, on JAX: their states share a leading axis.

The step is Keras' own (`JAXTrainer.train_step`), a pure function of the state and a batch. All
images lie on the device; only their indices are sent for each step.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from covid_keras.training.classifier import Classifier

State = tuple[list, list, list, list]
"""Trainable, other, optimiser and metrics variables; stacked, with a leading axis of models."""


def state_of(classifier: Classifier) -> State:
    """Return the values of a classifier's variables."""
    return tuple([variable.value for variable in group] for group in _variables(classifier))


def assign(classifier: Classifier, state: State) -> None:
    """Assign the values of one model to the classifier's variables."""
    for variables, values in zip(_variables(classifier), state, strict=True):
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)


def _variables(classifier: Classifier) -> tuple[list, list, list, list]:
    """Return the variables in the order of Keras' `train_step`."""
    return (
        classifier.trainable_variables,
        classifier.non_trainable_variables,
        classifier.optimizer.variables,
        classifier.metrics_variables,
    )


def stack(states: Sequence[State]) -> State:
    """Stack several states into one, with a leading axis."""
    return jax.tree.map(lambda *values: jnp.stack(values), *states)


def member(state: State, number: int) -> State:
    """Return one model's part of a stacked state."""
    return jax.tree.map(lambda value: value[number], state)


def loss_scales(classifier: Classifier, state: State) -> list[float]:
    """Return each model's loss scale; empty if the loss is not scaled."""
    variables = zip(classifier.optimizer.variables, state[2], strict=True)
    scales = [values for variable, values in variables if variable.name == "dynamic_scale"]
    return np.asarray(scales[0]).tolist() if scales else []


@jax.jit
def take_where(chosen, new: State, old: State) -> State:
    """Return the new values for the models where `chosen`, bool (models,), else the old ones."""

    def select(after, before) -> jax.Array:
        return jnp.where(chosen.reshape(-1, *[1] * (after.ndim - 1)), after, before)

    return jax.tree.map(select, new, old)


def training(classifier: Classifier, models: int) -> Callable:
    """Return one step of that many models, as one compiled function.

    Args:
        classifier: compiled; the values of its variables are not used.
        models: if more than one, each operation covers all of them (`jax.vmap`).

    Returns:
        (state, images uint8 (N, S, S, 1), labels int32 (N,), indices int32 (models, batch)) to
        (state, {"loss", "accuracy": float32 (models,)}), Keras' means since `reset_metrics`. The
        input state is donated, and cannot be used again.
    """

    def single(state, images, labels) -> tuple:
        logs, state = classifier.train_step(state, {"image": images, "label": labels})
        return state, logs

    over_models = _over_models(single, models)

    @partial(jax.jit, donate_argnums=0)
    def step(state, images, labels, indices) -> tuple[State, dict[str, jax.Array]]:
        return over_models(state, images[indices], labels[indices])

    return step


@jax.jit
def reset_metrics(state: State) -> State:
    """Return the state with Keras' running means at zero."""
    *kept, metrics = state
    return (*kept, jax.tree.map(jnp.zeros_like, metrics))


def evaluation(classifier: Classifier, models: int) -> Callable:
    """Return the logits of a batch for each model, compiled.

    Returns:
        (state, images, labels, indices int32 (models, batch)) to logits (models, batch, K).
    """

    def single(state, images, labels) -> jax.Array:
        trainable, others, *_ = state
        inputs = {"image": images, "label": labels}
        outputs, _ = classifier.stateless_call(trainable, others, inputs, training=False)
        return outputs["logits"]

    over_models = _over_models(single, models)

    @jax.jit
    def batch(state, images, labels, indices) -> jax.Array:
        return over_models(state, images[indices], labels[indices])

    return batch


def _over_models(function: Callable, models: int) -> Callable:
    """Map the function over a leading axis; an axis of one is only removed and added again."""
    if models > 1:
        return jax.vmap(function)

    def single(*arguments) -> Any:
        results = function(*jax.tree.map(lambda value: value[0], arguments))
        return jax.tree.map(lambda value: value[None], results)

    return single
