"""LAMB as in tensorflow-addons, the optimiser of paper B."""

import logging
import re
from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from covid_keras.utils.backend import Tensor

_log = logging.getLogger(__name__)


@keras.saving.register_keras_serializable(package="covid_keras")
class LAMB(keras.optimizers.Optimizer):
    """Layer-wise adaptive moments (You et al. 2020, arXiv:1904.00962), with the decay inside.

    Equal to tensorflow-addons 0.23. The decay is added to Adam's direction before the trust ratio
    |w| / |direction|, as in the paper; `keras.optimizers.Lamb` decays outside of it.

    Args:
        learning_rate: a number or a schedule.
        beta_1, beta_2: decay of the first and second moments.
        epsilon: added to the root of the second moment.
        weight_decay: factor of the weights in the direction.
        exclude_from_weight_decay: regular expressions searched for in a variable's path, as
            "conv1/kernel"; those variables are not decayed.
        exclude_from_layer_adaptation: the same for the trust ratio; None excludes the variables
            that are not decayed.

    Example:
        >>> import covid_keras, keras
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile(covid_keras.LAMB(3e-4, weight_decay=0.01), loss="mse")
        >>> model.optimizer.name
        'lamb'
    """

    def __init__(
        self,
        learning_rate=0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-6,
        weight_decay: float = 0.0,
        exclude_from_weight_decay: Sequence[str] | None = None,
        exclude_from_layer_adaptation: Sequence[str] | None = None,
        name: str = "lamb",
        **kwargs,
    ) -> None:
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.decay = weight_decay
        self.not_decayed = tuple(exclude_from_weight_decay or ())
        self.not_adapted = exclude_from_layer_adaptation

    def build(self, variables) -> None:
        if not self.built:
            super().build(variables)
            self._paths = [variable.path for variable in variables]
            self._means, self._squares = self.add_optimizer_variables(
                variables, ["momentum", "velocity"]
            )

    def update_step(self, gradient, variable, learning_rate) -> None:
        """Update one variable, in its own dtype."""
        dtype = variable.dtype
        rate, gradient = ops.cast(learning_rate, dtype), ops.cast(gradient, dtype)
        step = ops.cast(self.iterations + 1, dtype)
        place = self._get_variable_index(variable)
        mean, square = self._means[place], self._squares[place]
        self.assign(mean, self.beta_1 * mean + (1 - self.beta_1) * gradient)
        self.assign(square, self.beta_2 * square + (1 - self.beta_2) * ops.square(gradient))
        mean = mean / (1 - ops.power(ops.cast(self.beta_1, dtype), step))
        square = square / (1 - ops.power(ops.cast(self.beta_2, dtype), step))
        direction = mean / (ops.sqrt(square) + self.epsilon)
        if self.decay and not _matches(self._paths[place], self.not_decayed):
            direction = direction + self.decay * variable
        adapted = self.not_decayed if self.not_adapted is None else self.not_adapted
        if not _matches(self._paths[place], adapted):
            direction = direction * self.trust_ratio(variable, direction)
        self.assign_sub(variable, rate * direction)

    def trust_ratio(self, variable, direction) -> Tensor:
        """Return |w| / |direction|, or 1 where either is zero."""
        weights = ops.sqrt(ops.sum(ops.square(variable)))
        length = ops.sqrt(ops.sum(ops.square(direction)))
        defined = ops.logical_and(weights > 0, length > 0)
        return ops.where(defined, weights / ops.where(defined, length, 1.0), 1.0)

    def get_config(self) -> dict:
        return super().get_config() | {
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "weight_decay": self.decay,
            "exclude_from_weight_decay": list(self.not_decayed),
            "exclude_from_layer_adaptation": self.not_adapted,
        }


def warn_of_zeros(variables: Sequence[keras.Variable]) -> None:
    """Warn of kernels of zeros: LAMB scales a step by |w|, so they hardly learn.

    The first step sets all weights of such a kernel to plus or minus the learning rate; from then
    on they grow by a factor of 1 + learning rate a step at most.
    """
    for variable in variables:
        if variable.path.endswith("kernel") and not np.any(ops.convert_to_numpy(variable)):
            _log.warning(
                "%s starts at zero: LAMB cannot train it in the usual number of steps;"
                " model.head=original starts as PyTorch's",
                variable.path,
            )


def _matches(path: str, patterns: Sequence[str]) -> bool:
    return any(re.search(pattern, path) for pattern in patterns)
