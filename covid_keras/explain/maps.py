"""Maps of the evidence for a class, by any method, of functional and sequential Keras models."""

from collections.abc import Sequence
from importlib import import_module

import cv2
import keras
import numpy as np

from covid_keras.explain.graph import feature_map, flat, logits_from
from covid_keras.explain.scorer import Batch, Scorer
from covid_keras.runs.map_methods import map_method
from covid_keras.utils.errors import InputError


def gradcam(
    model: keras.Model,
    images: np.ndarray,
    class_index: int | Sequence[int] | None = None,
    batch_size: int = 8,
) -> np.ndarray:
    """Return where the evidence for a class lies on the last feature map, one map per image.

    Grad-CAM (Selvaraju et al. 2017). The gradient is that of the logit; a softmax or sigmoid at the
    end of the model is removed.

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
    return scaled(Explainer(model, batch_size=batch_size).maps(images, class_index))


class Explainer:
    """Maps of a model's evidence by one method; made once for many images.

    Later changes of the model's weights count, unless models inside of it had to be opened or an
    activation removed: then the maps are those of the weights at the beginning.

    Args:
        model: As for `gradcam`.
        method: A name in `runs.map_methods.METHODS`.
        layer: Whose feature map is used; None means the last one.
        batch_size: Images on the accelerator at once.

    Raises:
        InputError: An unknown method or layer, a layer for a method that uses none, or a model
            without a feature map that the whole output depends on, for a method that uses one.
    """

    def __init__(
        self,
        model: keras.Model,
        method: str = "gradcam",
        layer: str | None = None,
        batch_size: int = 8,
    ) -> None:
        self.name, self.method = method, map_method(method)
        module = import_module(f"covid_keras.explain.methods.{self.method.module}")
        self._make = module.maps
        self.layer, self.batch_size = layer, batch_size
        if layer and not self.method.features:
            raise InputError(f"layer: expected none with method {method}. Received: {layer!r}")
        model = flat(model)
        self._body = self._head = None
        if self.method.features:
            features = feature_map(model, layer)
            self._body = Scorer(keras.Model(model.inputs[0], features))
            self._head = Scorer(logits_from(model, features))
        self._model = Scorer(logits_from(model, model.inputs[0]))
        self._classes = max(2, model.output_shape[-1])

    def maps(
        self, images: np.ndarray, class_index: int | Sequence[int] | None = None
    ) -> np.ndarray:
        """Return maps (B, H, W) float32 in the method's own unit, resized bilinearly.

        Positive is evidence for the class, negative is evidence against it; most methods leave
        negative evidence out.

        Args:
            images: (B, H, W, C), normalised as the model expects.
            class_index: One class for all images, or one for each; None is the predicted class.

        Raises:
            InputError: Images of another shape, or an unknown class.
        """
        images = np.asarray(images, dtype=np.float32)
        if images.ndim != 4:
            raise InputError(f"maps: expected images (B, H, W, C). Received: {images.shape}")
        targets = _targets(class_index, len(images), self._classes)
        maps = np.zeros(images.shape[:3], dtype=np.float32)
        size = min(self.batch_size, len(images))
        for start in range(0, len(images), size):
            rows = slice(start, start + size)
            coarse = self._coarse(images[rows], None if targets is None else targets[rows])
            shape = images.shape[2:0:-1]
            maps[rows] = [
                cv2.resize(heat, shape, interpolation=cv2.INTER_LINEAR) for heat in coarse
            ]
        return maps

    def logits(self, images: np.ndarray) -> np.ndarray:
        """Return the model's logits (B, K), with one column where it has one output."""
        size = self.batch_size
        parts = [images[start : start + size] for start in range(0, len(images), size)]
        if self._body:
            parts = [self._body.outputs(part) for part in parts]
        head = self._head or self._model
        return np.concatenate([head.outputs(part) for part in parts])

    def _coarse(self, images: np.ndarray, targets: np.ndarray | None) -> np.ndarray:
        head = self._head or self._model
        features = self._body.outputs(images) if self._body else None
        if targets is None:
            targets = head.logits(images if features is None else features).argmax(axis=-1)
        batch = Batch(images, targets, self._model, self._head, features, self.batch_size)
        return self._make(batch).astype(np.float32)


def scaled(maps: np.ndarray) -> np.ndarray:
    """Return the positive evidence of maps (B, H, W), each scaled to its maximum, in [0, 1]."""
    maps = np.maximum(maps, 0)
    peaks = maps.max(axis=(1, 2), keepdims=True)
    return maps / np.where(peaks > 0, peaks, 1)


def _targets(class_index, count: int, classes: int) -> np.ndarray | None:
    if class_index is None:
        return None
    targets = np.asarray(class_index)
    if targets.shape not in ((), (count,)) or not ((targets >= 0) & (targets < classes)).all():
        expected = f"expected one class index, or one for each of {count} images"
        raise InputError(f"maps: {expected}, from 0 to {classes - 1}. Received: {class_index}")
    return np.broadcast_to(targets, count).astype(np.int64)
