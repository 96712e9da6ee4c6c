"""Blur, noise, brightness and contrast: paper B's augmentation, batched on the accelerator."""

import keras
from keras import ops

from covid_keras.training.draws import normal, uniform

BLUR_SIGMAS = (0.5, 2.0)
"""Range of the blur's standard deviation in pixels; the paper does not say."""
BLUR_RADIUS = 4
"""Pixels to each side that the blur reaches: two standard deviations of the strongest."""


@keras.saving.register_keras_serializable(package="covid_keras")
class RandomPhotometric(keras.layers.Layer):
    """Each image of a batch blurred, brightened, stretched in contrast and made noisy by chance.

    In that order, in grey levels, clipped to 0 to 255 at the end. The draws are the same with and
    without XLA.

    Args:
        blur: probability of a Gaussian blur, its standard deviation uniform in `BLUR_SIGMAS`.
        noise: largest standard deviation of additive noise, in grey levels; uniform from 0.
        brightness: largest change, as a share of 255; uniform to both sides.
        contrast: largest relative change around the image's mean; uniform to both sides.
        seed: of the layer's own random stream.
    """

    def __init__(
        self,
        blur: float,
        noise: float,
        brightness: float,
        contrast: float,
        seed: int,
        **kwargs,
    ) -> None:
        super().__init__(autocast=False, **kwargs)
        self.blur = blur
        self.noise = noise
        self.brightness = brightness
        self.contrast = contrast
        self.seed = seed
        self.random = keras.random.SeedGenerator(seed)

    def call(self, images, training: bool = False):
        """(B, H, W, 1) in 0 to 255 to float32 of the same shape and range; in training only."""
        if not training or not any((self.blur, self.noise, self.brightness, self.contrast)):
            return images
        x = ops.cast(images, "float32")
        batch = ops.shape(x)[0]
        if self.blur:
            x = self._blurred(x, batch)
        if self.contrast:
            mean = ops.mean(x, axis=(1, 2, 3), keepdims=True)
            x = mean + (x - mean) * (1 + self._each(batch, -self.contrast, self.contrast))
        if self.brightness:
            x = x + 255 * self._each(batch, -self.brightness, self.brightness)
        if self.noise:
            x = x + self._each(batch, 0, self.noise) * normal(ops.shape(x), self.random)
        return ops.clip(x, 0, 255)

    def _blurred(self, x, batch):
        chosen = self._each(batch, 0, 1) < self.blur
        sigma = self._each(batch, *BLUR_SIGMAS)
        taps = [ops.exp(-0.5 * ops.square(d / sigma)) for d in range(BLUR_RADIUS + 1)]
        total = taps[0] + 2 * sum(taps[1:])
        y = x
        for axis in (1, 2):
            y = _weighted_shifts(y, [tap / total for tap in taps], axis)
        return ops.where(chosen, y, x)

    def _each(self, batch, low: float, high: float):
        """float32 (B, 1, 1, 1), one draw an image."""
        return uniform((batch, 1, 1, 1), low, high, self.random)

    def get_config(self) -> dict:
        own = ("blur", "noise", "brightness", "contrast", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}


def _weighted_shifts(x, taps, axis: int):
    """A symmetric filter along `axis`, the edge repeated; taps[d] weighs the pixels d away."""
    reach, length = len(taps) - 1, ops.shape(x)[axis]
    places = ops.arange(length)
    result = taps[0] * x
    for distance in range(1, reach + 1):
        before = ops.take(x, ops.maximum(places - distance, 0), axis=axis)
        after = ops.take(x, ops.minimum(places + distance, length - 1), axis=axis)
        result = result + taps[distance] * (before + after)
    return result
