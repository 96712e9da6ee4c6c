"""The training step of several models at once, on JAX: states with a leading axis, one a model.

The step is Keras' own (`JAXTrainer.train_step`), a pure function of the state and a batch; all
images lie on the device, and what goes there for a stretch of steps are the numbers of its images.
"""

from collections.abc import Callable, Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from covid_keras.training.classifier import Classifier

State = tuple[list, list, list, list]
"""Trainable, other, optimiser's and metrics' variables; each may have a leading axis of models."""


def state_of(classifier: Classifier) -> State:
    """The values of a classifier's variables."""
    groups = (
        classifier.trainable_variables,
        classifier.non_trainable_variables,
        classifier.optimizer.variables,
        classifier.metrics_variables,
    )
    return tuple([variable.value for variable in group] for group in groups)


def assign(classifier: Classifier, state: State) -> None:
    """Give the classifier's variables these values, of one model."""
    groups = (
        classifier.trainable_variables,
        classifier.non_trainable_variables,
        classifier.optimizer.variables,
        classifier.metrics_variables,
    )
    for variables, values in zip(groups, state, strict=True):
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)


def stack(states: Sequence[State]) -> State:
    """Several states as one, with a leading axis."""
    return jax.tree.map(lambda *values: jnp.stack(values), *states)


def member(state: State, number: int) -> State:
    """One model's part of a stacked state."""
    return jax.tree.map(lambda value: value[number], state)


def take_where(chosen: np.ndarray, new: State, old: State) -> State:
    """The new values for the models where `chosen` (models,) says so, else the old ones."""

    def take(one, other):
        return jnp.where(chosen.reshape(-1, *[1] * (one.ndim - 1)), one, other)

    return jax.tree.map(take, new, old)


def training(classifier: Classifier, batched: bool) -> Callable:
    """Many steps of all models as one compiled function.

    Args:
        classifier: compiled; its variables' values are not used.
        batched: every operation over all models at once (`jax.vmap`), which fills a large device
            with small networks; else one model after the other (`jax.lax.map`).

    Returns:
        (state, images uint8 (N, S, S, 1), labels int32 (N,), indices int32 (steps, models, batch))
        to (state, {"loss", "accuracy": float32 (steps, models)}). Keras' running means since the
        first of these steps. The state that is given is used up.
    """

    def one(state, images, labels):
        logs, state = classifier.train_step(state, {"image": images, "label": labels})
        return state, logs

    over_models = _over_models(one, batched)

    @partial(jax.jit, donate_argnums=0)
    def run(state, images, labels, indices):
        def step(state, chosen):
            return over_models(state, images[chosen], labels[chosen])

        *kept, metrics = state
        return jax.lax.scan(step, (*kept, jax.tree.map(jnp.zeros_like, metrics)), indices)

    return run


def evaluation(classifier: Classifier, batched: bool) -> Callable:
    """Mean loss and accuracy of every model on images of its own, as one compiled function.

    Returns:
        (state, images, labels, indices int32 (batches, models, batch), counted bool, of the same
        shape) to (loss, accuracy), each (models,). Images that are not counted fill up a batch.
    """

    def one(state, images, labels):
        trainable, others, *_ = state
        inputs = {"image": images, "label": labels}
        outputs, _ = classifier.stateless_call(trainable, others, inputs, training=False)
        return classifier.loss_of_each(outputs), classifier.right_of_each(outputs)

    over_models = _over_models(one, batched)

    @jax.jit
    def run(state, images, labels, indices, counted):
        def batch(_, chosen):
            return None, over_models(state, images[chosen], labels[chosen])

        _, values = jax.lax.scan(batch, None, indices)
        total = counted.sum(axis=(0, 2))
        return tuple(jnp.where(counted, value, 0).sum(axis=(0, 2)) / total for value in values)

    return run


def _over_models(function: Callable, batched: bool) -> Callable:
    if batched:
        return jax.vmap(function)
    return lambda *arguments: jax.lax.map(lambda each: function(*each), arguments)
