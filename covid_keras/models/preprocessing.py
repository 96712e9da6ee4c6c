"""From grey slices to a network's input: done once, on the device, and inside every export."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="covid_keras")
class Normalise(keras.layers.Layer):
    """Grey slices (B, H, W, 1) in 0 to 255 to float (B, H, W, 3): (x - offset) / scale.

    Args:
        offset, scale: one number, or one a channel, as the weights' preprocessing says.
    """

    def __init__(self, offset, scale, **kwargs) -> None:
        super().__init__(**kwargs)
        self.offset = offset
        self.scale = scale

    def call(self, images):
        """Normalised images in three channels, in the layer's compute dtype."""
        images = ops.cast(images, "float32")
        images = ops.broadcast_to(images, (*ops.shape(images)[:3], 3))
        offset = ops.convert_to_tensor(self.offset, "float32")
        scale = ops.convert_to_tensor(self.scale, "float32")
        return ops.cast((images - offset) / scale, self.compute_dtype)

    def compute_output_shape(self, input_shape) -> tuple:
        return (*input_shape[:3], 3)

    def get_config(self) -> dict:
        return {**super().get_config(), "offset": self.offset, "scale": self.scale}
