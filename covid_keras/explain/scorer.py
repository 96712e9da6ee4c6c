"""The logit of the class to explain, and its gradient: what every method is made of."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import keras
import numpy as np

from covid_keras.models.heads import class_probabilities
from covid_keras.utils.backend import Tensor, backend, gpu_count

EAGER = 2
"""So many calls run operation by operation, as compiling takes about as long as two of them."""
PLAIN = {"seek_penultimate_conv_layer": False, "expand_cam": False, "normalize_cam": False}


class Scorer:
    """A network from any inputs to logits (B, K), compiled once it is called often.

    With one output (a sigmoid) the classes are 0 and 1, and the logit of 0 is the negative one.
    """

    def __init__(self, network: keras.Model) -> None:
        self.network, self._calls, self._rows = network, 0, 0
        if backend() == "tensorflow":
            network.jit_compile = gpu_count() > 0  # Keras would use XLA on a CPU too: slower there

    def outputs(self, inputs: np.ndarray) -> np.ndarray:
        """Return what the network itself outputs, as float32."""
        self._calls, count = self._calls + 1, len(inputs)
        self._rows = max(self._rows, count)
        if self._calls > EAGER:  # always as many rows: other shapes would be compiled anew
            rows = np.minimum(np.arange(self._rows), count - 1)
            return np.asarray(self.network.predict_on_batch(inputs[rows])[:count], np.float32)
        outputs = self.network(inputs, training=False)
        return np.asarray(keras.ops.convert_to_numpy(outputs), np.float32)

    def logits(self, inputs: np.ndarray) -> np.ndarray:
        """Return the logits, float32 (B, K); (B, 2) where there is one output."""
        logits = self.outputs(inputs)
        return logits if logits.shape[-1] > 1 else np.concatenate([-logits, logits], axis=-1)

    def scores(self, inputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return the logit (B,) of each target class."""
        return np.take_along_axis(self.logits(inputs), targets[:, None], axis=-1)[:, 0]

    def probabilities(self, inputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return the probability (B,) of each target class."""
        shares = keras.ops.convert_to_numpy(class_probabilities(self.outputs(inputs)))
        return np.take_along_axis(shares, targets[:, None], axis=-1)[:, 0]

    def gradient(self, inputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return the gradient of the target's logit, float32, of the shape of the inputs."""
        return np.asarray(self._gradient(inputs, targets), np.float32)

    @cached_property
    def _gradient(self) -> Callable:
        return (
            _gradient_by_jax(self.network) if backend() == "jax" else _gradient_by_tf(self.network)
        )


@dataclass(frozen=True)
class Batch:
    """Images to explain, and the network in the parts that methods need."""

    images: np.ndarray
    """(B, H, W, C) float32, normalised as the network expects."""
    targets: np.ndarray
    """(B,) int64, the class to explain of each image."""
    model: Scorer
    """From images."""
    head: Scorer | None
    """From the feature map, for methods that need one."""
    features: np.ndarray | None
    """(B, h, w, C) float32, that feature map."""
    size: int
    """Images on the accelerator at once."""


def chosen_logits(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the logit (B,) of each target, from logits (B, K)."""
    if logits.shape[-1] == 1:
        logits = keras.ops.concatenate([-logits, logits], axis=-1)
    return keras.ops.take_along_axis(logits, keras.ops.expand_dims(targets, axis=-1), axis=-1)[:, 0]


def by_tf_keras_vis(kind: type, batch: Batch) -> np.ndarray:
    """Return maps (B, h, w), not scaled, of one of tf-keras-vis' class activation maps.

    Only the head is recorded for the gradient: the same maps, several times faster. The score is
    zero with the logit's gradient, as Grad-CAM++ takes the exponential of it.
    """

    def score(logits) -> Tensor:
        chosen = chosen_logits(logits, batch.targets)
        return chosen - keras.ops.stop_gradient(chosen)

    visualise = kind(batch.head.network, clone=False)
    maps = visualise(score, batch.features, penultimate_layer=0, **PLAIN)
    return np.asarray(maps, dtype=np.float32)


def _gradient_by_tf(network: keras.Model) -> Callable:
    import tensorflow as tf
    from tf_keras_vis.saliency import Saliency

    saliency = Saliency(keras.Model([network.input], network.output), clone=False)
    plain = {"gradient_modifier": None, "keepdims": True, "normalize_map": False}

    @tf.function(reduce_retracing=True)
    def gradient(inputs: Tensor, targets: Tensor) -> Tensor:
        return saliency(lambda logits: chosen_logits(logits, targets), inputs, **plain)

    return lambda inputs, targets: gradient(tf.constant(inputs), tf.constant(targets))


def _gradient_by_jax(network: keras.Model) -> Callable:
    import jax

    def score(inputs: Tensor, targets: Tensor, trained: list, others: list) -> Tensor:
        logits, _ = network.stateless_call(trained, others, inputs, training=False)
        return chosen_logits(logits, targets).sum()

    gradient = jax.jit(jax.grad(score))

    def of_weights(inputs: np.ndarray, targets: np.ndarray) -> Tensor:
        variables = network.trainable_variables, network.non_trainable_variables
        return gradient(inputs, targets, *([v.value for v in some] for some in variables))

    return of_weights
