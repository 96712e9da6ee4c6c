"""The network inside its training step: augmentation, normalisation, mixup, loss, accuracy."""

import keras
from keras import ops

from covid_keras.models.preprocessing import Normalise
from covid_keras.models.rows.row import Preprocessing
from covid_keras.recipes.base import Recipe
from covid_keras.training.augmentation import Mixup, RandomCropFlip


class Classifier(keras.Model):
    """Takes {"image": uint8 (B, S, S, 1), "label": int (B,)} and trains `network`.

    Augmentation changes the labels too (mixup), so labels are part of the input, and the loss
    reads the mixed ones from the output. Only hooks that Keras documents for every backend are
    used, so the same class trains under TensorFlow and JAX.

    Args:
        network: normalised images (B, c, c, 3) to logits (B, K).
        preprocessing: what the network's weights expect.
        recipe: crop, augmentation and seed are read from it.
    """

    def __init__(
        self, network: keras.Model, preprocessing: Preprocessing, recipe: Recipe, **kwargs
    ) -> None:
        super().__init__(**kwargs)
        self.network = network
        self.crop = RandomCropFlip(recipe.input.crop, recipe.augmentation.flip, recipe.seed)
        self.normalise = Normalise(preprocessing.offset, preprocessing.scale)
        self.mixup = Mixup(recipe.augmentation.mixup, recipe.seed + 1)
        self.accuracy = keras.metrics.Mean("accuracy")

    def call(self, inputs, training: bool = False) -> dict:
        """{"logits": (B, K), "targets": float32 (B, K)}, mixed in training."""
        images = self.normalise(self.crop(inputs["image"], training=training))
        targets = ops.one_hot(inputs["label"], self.network.output_shape[-1], dtype="float32")
        images, targets = self.mixup(images, targets, training=training)
        return {"logits": self.network(images, training=training), "targets": targets}

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Mean softmax cross-entropy of the logits against the (mixed) targets."""
        return ops.mean(
            ops.categorical_crossentropy(
                y_pred["targets"], ops.cast(y_pred["logits"], "float32"), from_logits=True
            )
        )

    def compute_metrics(self, x, y, y_pred, sample_weight=None) -> dict:
        """Loss and accuracy; under mixup an answer counts as right if the larger part says so."""
        right = ops.argmax(y_pred["logits"], axis=-1) == ops.argmax(y_pred["targets"], axis=-1)
        self.accuracy.update_state(ops.cast(right, "float32"))
        return self.get_metrics_result()
