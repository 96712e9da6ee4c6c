"""The training step: augmentation, normalisation, mixup, the network, loss and accuracy."""

import keras
from keras import ops

from covid_keras.models.layers import Normalise
from covid_keras.models.network import Preprocessing
from covid_keras.recipes.config import Recipe, height_width
from covid_keras.training.augmentation import (
    Mixup,
    RandomAffine,
    RandomCropFlip,
    RandomPhotometric,
)
from covid_keras.training.validation import val_scores
from covid_keras.utils.backend import Tensor


class Augment(keras.layers.Layer):
    """Crop, flip, and change each image's geometry and grey levels, as the recipe says."""

    def __init__(self, recipe: Recipe, **kwargs) -> None:
        super().__init__(autocast=False, **kwargs)
        spec, seed = recipe.augmentation, recipe.seed
        photometric = spec.blur, spec.noise, spec.brightness, spec.contrast
        self.crop = RandomCropFlip(*height_width(recipe.input.crop), spec.flip, seed)
        self.affine = RandomAffine(spec.rotation, spec.zoom, spec.shift, seed + 2)
        self.photometric = RandomPhotometric(*photometric, seed + 3)

    def call(self, images, training: bool = False) -> Tensor:
        """Return (B, c, c, 1) of images (B, S, S, 1) in 0 to 255; unchanged at inference."""
        images = self.crop(images, training=training)
        images = self.affine(images, training=training)
        return self.photometric(images, training=training)


class Classifier(keras.Model):
    """Train `network` on batches {"image": uint8 (B, S, S, 1), "label": int (B,)}.

    Mixup changes the labels too, so they are part of the input, and the loss reads the mixed ones
    from the output. Only methods that Keras documents for every backend are overridden, so the
    class trains under TensorFlow and JAX.

    Args:
        network: normalised images (B, c, c, 3) to logits (B, K), or to one for two classes (B, 1).
        preprocessing: what the network's weights expect.
        recipe: gives crop, augmentation and seed.
    """

    first_step = 0
    """Optimiser steps done before `fit` is called; see `callbacks.StepCallback`."""
    val_images: int | None = None
    """Images of val; what follows them fills the last batch up. None: there is nothing else."""

    def __init__(
        self, network: keras.Model, preprocessing: Preprocessing, recipe: Recipe, **kwargs
    ) -> None:
        super().__init__(**kwargs)
        self.network = network
        self.augment = Augment(recipe)
        # Float32 up to the network, which casts its input itself: mixup is not rounded.
        self.normalise = Normalise(preprocessing.offset, preprocessing.scale, dtype="float32")
        self.mixup = Mixup(recipe.augmentation.mixup, recipe.seed + 1)
        self.accuracy = keras.metrics.Mean("accuracy")
        self._one_output = network.output_shape[-1] == 1

    def call(self, inputs, training: bool = False) -> dict:
        """Return {"logits": (B, K), "targets": float32 (B, K)}, mixed in training.

        K is 1 for a network with one output; its target is 1 for the second class.
        """
        images = self.normalise(self.augment(inputs["image"], training=training))
        if self._one_output:
            targets = ops.cast(ops.expand_dims(inputs["label"], -1), "float32")
        else:
            targets = ops.one_hot(inputs["label"], self.network.output_shape[-1], dtype="float32")
        images, targets = self.mixup(images, targets, training=training)
        return {"logits": self.network(images, training=training), "targets": targets}

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ) -> Tensor:
        """Return the mean of `loss_of_each`, plus what layers add to the loss (regularisation)."""
        return ops.mean(self.loss_of_each(y_pred)) + sum(self.losses)

    def evaluate(self, x=None, **options) -> dict[str, float]:
        """Return the `val_scores` of batches; `fit` calls it on val."""
        found = self.predict(x, verbose=0)
        outputs = {name: values[: self.val_images] for name, values in found.items()}
        targets = outputs["targets"]
        labels = targets[:, 0] if self._one_output else targets.argmax(axis=1)
        return val_scores(outputs["logits"], labels.astype(int))

    def compute_metrics(self, x, y, y_pred, sample_weight=None) -> dict:
        """Return {"loss", "accuracy"}, the means since the epoch began."""
        self.accuracy.update_state(self.right_of_each(y_pred))
        return self.get_metrics_result()

    def loss_of_each(self, outputs: dict) -> Tensor:
        """Return float32 (B,): cross-entropy with the mixed targets, by softmax or sigmoid."""
        targets, logits = outputs["targets"], ops.cast(outputs["logits"], "float32")
        if self._one_output:
            return ops.binary_crossentropy(targets, logits, from_logits=True)[:, 0]
        return ops.categorical_crossentropy(targets, logits, from_logits=True)

    def right_of_each(self, outputs: dict) -> Tensor:
        """Return float32 (B,): 1 if the larger part's label is predicted."""
        logits, targets = outputs["logits"], outputs["targets"]
        if self._one_output:
            right = (logits > 0)[:, 0] == (targets > 0.5)[:, 0]
        else:
            right = ops.argmax(logits, axis=-1) == ops.argmax(targets, axis=-1)
        return ops.cast(right, "float32")
