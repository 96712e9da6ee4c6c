"""Grad-CAM (Selvaraju et al. 2017) of functional and sequential Keras models.

On TensorFlow by tf-keras-vis, which needs TensorFlow; on JAX by its own gradient.
"""

from collections.abc import Sequence

import cv2
import keras
import numpy as np

from covid_keras.utils.backend import Tensor
from covid_keras.utils.errors import InputError

PROBABILITIES = ("Softmax", "Sigmoid", "LogSoftmax")
"""Layers and operations that turn logits into probabilities."""
ACTIVATIONS = tuple(map(keras.activations.get, ("softmax", "sigmoid", "log_softmax", "linear")))
"""What a layer `Activation` may do to logits."""


def gradcam(
    model: keras.Model,
    images: np.ndarray,
    class_index: int | Sequence[int] | None = None,
    batch_size: int = 8,
) -> np.ndarray:
    """Return where the evidence for a class lies on the last feature map, one map per image.

    The gradient is that of the logit; a softmax or sigmoid at the end of the model is removed.

    Args:
        model: A functional or sequential Keras model (channels last) with one input and one output
            (B, K); models inside of it are opened.
        images: (B, H, W, C) float32, normalised as the model expects.
        class_index: One class for all images, or one for each; None means the predicted class.
            With one output (a sigmoid) the classes are 0 and 1, and the logit of 0 is the negative
            one.
        batch_size: Images on the accelerator at once.

    Returns:
        (B, H, W) float32 in [0, 1], resized bilinearly. Each map is scaled to its own maximum: do
        not compare maps of different images. All zeros if there is no positive evidence.

    Raises:
        InputError: Images of another shape, an unknown class, or a model without a feature map
            that the whole output depends on.

    Example:
        >>> import covid_keras, numpy
        >>> shape = (64, 64, 3)
        >>> model = covid_keras.create_model("shufflenet_v2_x0_5", classes=3, input_shape=shape)
        >>> covid_keras.gradcam(model, numpy.zeros((2, *shape)), class_index=1).shape
        (2, 64, 64)
    """
    images = np.asarray(images, dtype=np.float32)
    if images.ndim != 4:
        raise InputError(f"Grad-CAM: expected images (B, H, W, C). Received: {images.shape}")
    model = _flat(model)
    targets = _targets(class_index, len(images), max(2, model.output_shape[-1]))
    layer = last_feature_map(model)
    body = keras.Model(model.input, model.get_layer(layer).output)
    head = _logits_from(model, layer)
    coarse_maps = _by_jax if keras.config.backend() == "jax" else _by_tf_keras_vis
    maps = np.zeros(images.shape[:3], dtype=np.float32)
    for start in range(0, len(images), batch_size):
        rows = slice(start, start + batch_size)
        features = body(images[rows], training=False)
        coarse = coarse_maps(head, features, None if targets is None else targets[rows])
        size, bilinear = images.shape[2:0:-1], cv2.INTER_LINEAR
        maps[rows] = [cv2.resize(heat, size, interpolation=bilinear) for heat in coarse]
    peaks = maps.max(axis=(1, 2), keepdims=True)
    return maps / np.where(peaks > 0, peaks, 1)


def last_feature_map(model: keras.Model) -> str:
    """Return the name of the last layer whose output is (B, h, w, C) with h * w other than 1.

    Raises:
        InputError: There is none.
    """
    for layer in reversed(model.layers):
        shape = getattr(layer.output, "shape", ())
        is_input = isinstance(layer, keras.layers.InputLayer)
        if len(shape) == 4 and tuple(shape[1:3]) != (1, 1) and not is_input:
            return layer.name
    expected = "expected a flat functional model with a feature map (B, h, w, C)"
    raise InputError(f"Grad-CAM: {expected}. Received: {model.name}, without one")


def _flat(model: keras.Model) -> keras.Model:
    """Return the model, or a copy in which the layers of models inside of it are its own."""
    try:
        model.output_shape  # noqa: B018  raises where there is no graph
        if not any(isinstance(layer, keras.Model) for layer in model.layers):
            return model
        copy = keras.models.clone_model(model, recursive=True)
        copy.set_weights(model.get_weights())
        opened = _opened(copy)
        flat = keras.models.clone_model(opened)  # each layer is called once again
        flat.set_weights(opened.get_weights())
    except (AttributeError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"Grad-CAM: expected a functional or sequential model. Received: {model.name}: {reason}"
        ) from None
    return flat


def _opened(model: keras.Model) -> keras.Model:
    """Return the graph of the model's layers and of those in the models inside of it."""

    def part(layer: keras.Layer) -> keras.Layer:
        return _opened(layer) if isinstance(layer, keras.Model) else layer

    def call(layer: keras.Layer, *tensors, **options) -> Tensor:
        return (
            layer.call(*tensors) if isinstance(layer, keras.Model) else layer(*tensors, **options)
        )

    if not isinstance(model, keras.Sequential):
        return keras.models.clone_model(model, clone_function=part, call_function=call)
    outputs = inputs = keras.Input(batch_shape=model.input_shape)
    for layer in model.layers:
        outputs = call(part(layer), outputs)
    return keras.Model(inputs, outputs)


def _logits_from(model: keras.Model, layer: str) -> keras.Model:
    """Return the model from the layer's output to the logits; `model` itself is not changed."""
    makers = {id(operation.output): operation for operation in model.operations}
    outputs = model.outputs[0]
    while _is_activation(makers[id(outputs)]):
        outputs = makers[id(outputs)].input
    try:
        head = keras.Model(model.get_layer(layer).output, outputs)
    except ValueError:
        raise InputError(
            "Grad-CAM: expected a feature map of more than one pixel, on which all of the output"
            f" depends: larger images. Received: input {model.input_shape[1:3]} of {model.name}"
        ) from None
    last = head.output_names[0]
    if getattr(makers[id(outputs)], "activation", None) in (None, keras.activations.linear):
        return head
    clone = keras.models.clone_model(head)
    clone.set_weights(head.get_weights())
    clone.get_layer(last).activation = keras.activations.linear
    return clone


def _is_activation(operation: keras.Operation) -> bool:
    if isinstance(operation, keras.layers.Activation):
        return operation.activation in ACTIVATIONS
    return type(operation).__name__ in PROBABILITIES


def _by_tf_keras_vis(head: keras.Model, features, targets: np.ndarray | None) -> np.ndarray:
    """Return maps (b, h, w) after the ReLU, not scaled, of feature maps (b, h, w, C).

    Only the head is recorded for the gradient: the same maps, several times faster.
    """
    from tf_keras_vis.gradcam import Gradcam

    def score(logits) -> Tensor:
        return _chosen_logits(logits, targets)

    plain = {"seek_penultimate_conv_layer": False, "expand_cam": False, "normalize_cam": False}
    maps = Gradcam(head, clone=False)(score, features, penultimate_layer=0, **plain)
    return np.asarray(maps, dtype=np.float32)


def _by_jax(head: keras.Model, features, targets: np.ndarray | None) -> np.ndarray:
    """Return the same maps: channels weighted by their mean gradient."""
    import jax
    import jax.numpy as jnp

    def score(features) -> Tensor:
        return _chosen_logits(head(features, training=False), targets).sum()

    weights = jnp.mean(jax.grad(score)(features), axis=(1, 2))
    return np.maximum(np.asarray(jnp.einsum("bhwc,bc->bhw", features, weights), np.float32), 0)


def _chosen_logits(logits, targets: np.ndarray | None) -> Tensor:
    """Return the logit (b,) of each target, or of each predicted class, from logits (b, K)."""
    if logits.shape[-1] == 1:
        logits = keras.ops.concatenate([-logits, logits], axis=-1)
    chosen = keras.ops.argmax(logits, axis=-1) if targets is None else targets
    chosen = keras.ops.expand_dims(chosen, axis=-1)
    return keras.ops.take_along_axis(logits, chosen, axis=-1)[:, 0]


def _targets(class_index, count: int, classes: int) -> np.ndarray | None:
    if class_index is None:
        return None
    targets = np.asarray(class_index)
    if targets.shape not in ((), (count,)) or not ((targets >= 0) & (targets < classes)).all():
        expected = f"expected one class index, or one for each of {count} images"
        raise InputError(f"Grad-CAM: {expected}, from 0 to {classes - 1}. Received: {class_index}")
    return np.broadcast_to(targets, count).astype(np.int64)
