"""Random rotation, zoom and shift: paper D's augmentation, batched on the accelerator.

Keras' own random rotation, zoom and translation turn XLA off for the whole model.
"""

import math

import keras
from keras import ops

from covid_keras.training.augmentation import RandomLayer


@keras.saving.register_keras_serializable(package="covid_keras")
class RandomAffine(RandomLayer):
    """Rotate each image about its centre, zoom and shift it, with bilinear interpolation.

    What lies outside of the image is black.

    Args:
        rotation: largest angle in degrees, uniform to both sides.
        zoom: largest relative change of size, uniform to both sides.
        shift: largest shift as a share of the side, uniform to both sides, along both axes.
        seed: of the layer's random stream.
    """

    def __init__(self, rotation: float, zoom: float, shift: float, seed: int, **kwargs) -> None:
        super().__init__(seed, {"rotation": rotation, "zoom": zoom, "shift": shift}, **kwargs)

    def call(self, images, training: bool = False):
        """Return float32 (B, H, W, 1) of images in 0 to 255; unchanged at inference."""
        if not training or not any((self.rotation, self.zoom, self.shift)):
            return images
        batch, height, width = ops.shape(images)[:3]
        angle, growth, down, right = (
            self.uniform((batch, 1, 1), -largest, largest)
            for largest in (math.radians(self.rotation), self.zoom, self.shift, self.shift)
        )
        y = ops.cast(ops.arange(height), "float32")[None, :, None]
        x = ops.cast(ops.arange(width), "float32")[None, None, :]
        middle_y, middle_x = (ops.cast(side - 1, "float32") / 2 for side in (height, width))
        y = y - middle_y - down * ops.cast(height, "float32")
        x = x - middle_x - right * ops.cast(width, "float32")
        scale = 1 / (1 + growth)
        sine, cosine = ops.sin(angle) * scale, ops.cos(angle) * scale
        return sample(images, middle_y + cosine * y + sine * x, middle_x - sine * y + cosine * x)


def sample(images, rows, columns):
    """Interpolate `images` (B, H, W, 1) bilinearly at float `rows` and `columns` (B, h, w).

    Returns:
        float32 (B, h, w, 1); pixels outside of the image count as 0.
    """
    batch, height, width = ops.shape(images)[:3]
    flat = ops.cast(ops.reshape(images, (-1,)), "float32")
    first = ops.arange(batch)[:, None, None] * (height * width)
    top, left = ops.floor(rows), ops.floor(columns)
    result = 0.0
    for row, weight_y in ((top, 1 - (rows - top)), (top + 1, rows - top)):
        for column, weight_x in ((left, 1 - (columns - left)), (left + 1, columns - left)):
            y, x = ops.cast(row, "int32"), ops.cast(column, "int32")
            inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
            place = first + ops.clip(y, 0, height - 1) * width + ops.clip(x, 0, width - 1)
            value = ops.where(inside, ops.take(flat, place), 0.0)
            result = result + weight_y * weight_x * value
    return result[..., None]
