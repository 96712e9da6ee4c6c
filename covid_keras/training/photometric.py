"""Random blur, noise, brightness and contrast: paper B's augmentation, on the accelerator."""

import keras
from keras import ops

from covid_keras.training.augmentation import RandomLayer

BLUR_RADIUS = 4
"""Pixels to each side that the blur reaches: two standard deviations of the strongest."""


@keras.saving.register_keras_serializable(package="covid_keras")
class RandomPhotometric(RandomLayer):
    """Blur each image, change its contrast and brightness, and add noise, in that order.

    In grey levels, clipped to 0 to 255 at the end.

    Args:
        blur: probability of a Gaussian blur, its standard deviation uniform in `blur_sigmas`.
        noise: largest standard deviation of additive noise, in grey levels; uniform from 0.
        brightness: largest change, as a share of 255; uniform to both sides.
        contrast: largest relative change around the image's mean; uniform to both sides.
        seed: of the layer's random stream.
    """

    blur_sigmas = (0.5, 2.0)
    """Range of the blur's standard deviation in pixels; the paper does not give it."""

    def __init__(
        self, blur: float, noise: float, brightness: float, contrast: float, seed: int, **kwargs
    ) -> None:
        settings = {"blur": blur, "noise": noise, "brightness": brightness, "contrast": contrast}
        super().__init__(seed, settings, **kwargs)

    def call(self, images, training: bool = False):
        """Return float32 (B, H, W, 1) of images in 0 to 255; unchanged at inference."""
        if not training or not any((self.blur, self.noise, self.brightness, self.contrast)):
            return images
        x = ops.cast(images, "float32")
        each = (ops.shape(x)[0], 1, 1, 1)
        if self.blur:
            x = self._blurred(x, each)
        if self.contrast:
            mean = ops.mean(x, axis=(1, 2, 3), keepdims=True)
            x = mean + (x - mean) * (1 + self.uniform(each, -self.contrast, self.contrast))
        if self.brightness:
            x = x + 255 * self.uniform(each, -self.brightness, self.brightness)
        if self.noise:
            x = x + self.uniform(each, 0, self.noise) * self.normal(ops.shape(x))
        return ops.clip(x, 0, 255)

    def _blurred(self, x, each):
        chosen = self.uniform(each, 0, 1) < self.blur
        sigma = self.uniform(each, *self.blur_sigmas)
        taps = [ops.exp(-0.5 * ops.square(d / sigma)) for d in range(BLUR_RADIUS + 1)]
        total = taps[0] + 2 * sum(taps[1:])
        y = x
        for axis in (1, 2):
            y = _weighted_shifts(y, [tap / total for tap in taps], axis)
        return ops.where(chosen, y, x)


def _weighted_shifts(x, taps, axis: int):
    """Filter symmetrically along `axis`, the edge repeated; taps[d] weighs the pixels d away."""
    length = ops.shape(x)[axis]
    places = ops.arange(length)
    result = taps[0] * x
    for distance in range(1, len(taps)):
        before = ops.take(x, ops.maximum(places - distance, 0), axis=axis)
        after = ops.take(x, ops.minimum(places + distance, length - 1), axis=axis)
        result = result + taps[distance] * (before + after)
    return result
