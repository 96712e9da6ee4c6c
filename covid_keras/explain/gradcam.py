"""Grad-CAM (Selvaraju et al. 2017) on the flat functional graphs of the zoo.

Under TensorFlow by tf-keras-vis, which is for TensorFlow only; under JAX by its gradient.
"""

from collections.abc import Sequence

import cv2
import keras
import numpy as np

from covid_keras.utils.errors import InputError


def gradcam(
    model: keras.Model,
    images: np.ndarray,
    class_index: int | Sequence[int] | None = None,
    batch_size: int = 8,
) -> np.ndarray:
    """Where the evidence for a class lies, on the last feature map, one map an image.

    The gradient is that of the logit: a softmax or sigmoid at the end is taken off first.

    Args:
        model: A functional Keras model (channels last), one input, one output (B, K).
        images: (B, H, W, C) float32, normalised as the model expects.
        class_index: The class of every image, or one for each; None means the predicted class.
            With one output (a sigmoid) the classes are 0 and 1, and 0's logit is the negative one.
        batch_size: Images that are in the accelerator's memory at once.

    Returns:
        (B, H, W) float32 in [0, 1], upsampled bilinearly and scaled so that each image's maximum
        is 1: comparable within an image, not between images. All zeros where no evidence is
        positive.

    Raises:
        InputError: images of another shape, a class that does not exist, or a model without a
            feature map that the output depends on.
    """
    images = np.asarray(images, dtype=np.float32)
    if images.ndim != 4:
        raise InputError(f"Grad-CAM: expected images (B, H, W, C). Received: {images.shape}")
    targets = _targets(class_index, len(images), max(2, model.output_shape[-1]))
    layer = last_feature_map(model)
    body = keras.Model(model.input, model.get_layer(layer).output)
    head = _to_logits(_above(model, layer))
    coarse_maps = _by_jax if keras.config.backend() == "jax" else _by_tf_keras_vis
    maps = np.zeros(images.shape[:3], dtype=np.float32)
    for start in range(0, len(images), batch_size):
        rows = slice(start, start + batch_size)
        features = body(images[rows], training=False)
        coarse = coarse_maps(head, features, None if targets is None else targets[rows])
        maps[rows] = [_upsampled(one, images.shape[1:3]) for one in coarse]
    return maps


def _above(model: keras.Model, layer: str) -> keras.Model:
    """What follows the layer. Raises InputError where that takes more than the layer's output."""
    try:
        return keras.Model(model.get_layer(layer).output, model.output)
    except ValueError:
        raise InputError(
            f"Grad-CAM: expected a feature map of more than one pixel that the whole output depends"
            f" on: larger images. Received: input {model.input_shape[1:3]} of {model.name}"
        ) from None


def last_feature_map(model: keras.Model) -> str:
    """Name of the last layer whose output is (B, h, w, C) with h * w other than 1.

    Raises:
        InputError: there is none.
    """
    for layer in reversed(model.layers):
        shape = getattr(layer.output, "shape", ())
        if type(layer).__name__ == "InputLayer":
            continue
        if len(shape) == 4 and tuple(shape[1:3]) != (1, 1):
            return layer.name
    raise InputError(
        f"Grad-CAM: expected a flat functional model with a feature map (B, h, w, C). "
        f"Received: {model.name}, without one"
    )


def _by_tf_keras_vis(head: keras.Model, features, targets: np.ndarray | None) -> np.ndarray:
    """(b, h, w) maps after the ReLU, not scaled, of the feature maps (b, h, w, C).

    Of the end of the network alone: tf-keras-vis would record the whole of it for a gradient that
    only its end needs; the maps are the same and come several times faster.
    """
    import tensorflow as tf
    from tf_keras_vis.gradcam import Gradcam

    def score(logits):
        if logits.shape[-1] == 1:
            logits = tf.concat([-logits, logits], axis=-1)
        chosen = tf.argmax(logits, axis=-1) if targets is None else targets
        return tf.gather(logits, chosen, axis=-1, batch_dims=1)

    maps = Gradcam(head, clone=False)(
        score,
        features,
        penultimate_layer=0,
        seek_penultimate_conv_layer=False,
        expand_cam=False,
        normalize_cam=False,
    )
    return np.asarray(maps, dtype=np.float32)


def _by_jax(head: keras.Model, features, targets: np.ndarray | None) -> np.ndarray:
    """As `_by_tf_keras_vis`: each channel weighs as much as the mean of its gradient."""
    import jax
    import jax.numpy as jnp

    def score(features):
        logits = head(features, training=False)
        if logits.shape[-1] == 1:
            logits = jnp.concatenate([-logits, logits], axis=-1)
        chosen = jnp.argmax(logits, axis=-1) if targets is None else jnp.asarray(targets)
        return jnp.take_along_axis(logits, chosen[:, None], axis=-1).sum()

    weights = jnp.mean(jax.grad(score)(features), axis=(1, 2))
    return np.maximum(np.asarray(jnp.einsum("bhwc,bc->bhw", features, weights), np.float32), 0)


def _to_logits(head: keras.Model) -> keras.Model:
    """The head without a softmax or sigmoid at its end; the one given is left as it is."""
    name = head.output_names[0]
    if getattr(head.get_layer(name), "activation", None) in (None, keras.activations.linear):
        return head
    clone = keras.models.clone_model(head)
    clone.set_weights(head.get_weights())
    clone.get_layer(name).activation = keras.activations.linear
    return clone


def _targets(class_index, count: int, classes: int) -> np.ndarray | None:
    if class_index is None:
        return None
    targets = np.asarray(class_index)
    if targets.shape not in ((), (count,)) or not ((targets >= 0) & (targets < classes)).all():
        raise InputError(
            f"Grad-CAM: expected one class index, or one for each of {count} images, from 0 to "
            f"{classes - 1}. Received: {class_index}"
        )
    return np.broadcast_to(targets, count).astype(np.int64)


def _upsampled(coarse: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    fine = cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_LINEAR)
    peak = fine.max()
    return fine / peak if peak > 0 else fine
