"""The training step of several models at once, on JAX: states with a leading axis, one a model.

The step is Keras' own (`JAXTrainer.train_step`), a pure function of the state and a batch; all
images lie on the device, and what goes there for a step are the numbers of its images.
"""

from collections.abc import Callable, Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from covid_keras.training.classifier import Classifier

State = tuple[list, list, list, list]
"""Trainable, other, optimiser's and metrics' variables; stacked, with a leading axis of models."""


def state_of(classifier: Classifier) -> State:
    """The values of a classifier's variables."""
    return tuple([variable.value for variable in group] for group in _variables(classifier))


def assign(classifier: Classifier, state: State) -> None:
    """Give the classifier's variables these values, of one model."""
    for variables, values in zip(_variables(classifier), state, strict=True):
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)


def _variables(classifier: Classifier) -> tuple[list, list, list, list]:
    """In the order of Keras' `train_step`."""
    return (
        classifier.trainable_variables,
        classifier.non_trainable_variables,
        classifier.optimizer.variables,
        classifier.metrics_variables,
    )


def stack(states: Sequence[State]) -> State:
    """Several states as one, with a leading axis."""
    return jax.tree.map(lambda *values: jnp.stack(values), *states)


def member(state: State, number: int) -> State:
    """One model's part of a stacked state."""
    return jax.tree.map(lambda value: value[number], state)


def loss_scales(classifier: Classifier, state: State) -> list[float]:
    """Each model's scale of the loss; empty where nothing is scaled."""
    names = [variable.name for variable in classifier.optimizer.variables]
    if "dynamic_scale" not in names:
        return []
    return np.asarray(state[2][names.index("dynamic_scale")]).tolist()


@jax.jit
def take_where(chosen, new: State, old: State) -> State:
    """The new values for the models where `chosen` (models,) says so, else the old ones."""

    def take(one, other):
        return jnp.where(chosen.reshape(-1, *[1] * (one.ndim - 1)), one, other)

    return jax.tree.map(take, new, old)


def training(classifier: Classifier, models: int) -> Callable:
    """One step of so many models as one compiled function.

    Args:
        classifier: compiled; its variables' values are not used.
        models: with more than one, every operation is over all of them (`jax.vmap`).

    Returns:
        (state, images uint8 (N, S, S, 1), labels int32 (N,), indices int32 (models, batch)) to
        (state, {"loss", "accuracy": float32 (models,)}), Keras' running means since `begin`. The
        state that is given is used up.
    """

    def one(state, images, labels):
        logs, state = classifier.train_step(state, {"image": images, "label": labels})
        return state, logs

    over_models = _over_models(one, models)

    @partial(jax.jit, donate_argnums=0)
    def step(state, images, labels, indices):
        return over_models(state, images[indices], labels[indices])

    return step


@jax.jit
def begin(state: State) -> State:
    """The state with Keras' running means at their beginning."""
    *kept, metrics = state
    return (*kept, jax.tree.map(jnp.zeros_like, metrics))


def evaluation(classifier: Classifier, models: int) -> Callable:
    """Sums of loss and of right answers over a batch for each model, as one compiled function.

    Returns:
        (state, images, labels, indices int32 (models, batch), counted bool (models, batch)) to
        (loss, right), each float32 (models,). Images that are not counted fill up a batch.
    """

    def one(state, images, labels, counted):
        trainable, others, *_ = state
        inputs = {"image": images, "label": labels}
        outputs, _ = classifier.stateless_call(trainable, others, inputs, training=False)
        each = classifier.loss_of_each(outputs), classifier.right_of_each(outputs)
        return tuple(jnp.where(counted, values, 0).sum() for values in each)

    over_models = _over_models(one, models)

    @jax.jit
    def batch(state, images, labels, indices, counted):
        return over_models(state, images[indices], labels[indices], counted)

    return batch


def _over_models(function: Callable, models: int) -> Callable:
    """The function over a leading axis; an axis of one is only taken off and put back."""
    if models > 1:
        return jax.vmap(function)

    def alone(*arguments):
        results = function(*jax.tree.map(lambda value: value[0], arguments))
        return jax.tree.map(lambda value: value[None], results)

    return alone
