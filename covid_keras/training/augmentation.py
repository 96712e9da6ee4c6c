"""Random crop and flip, rotation, zoom and shift, blur, noise, brightness and contrast, and mixup.

Written with `keras.ops` for TensorFlow and JAX, with and without XLA, and batched on the
accelerator inside the training step. The layers take the uint8 samples of the pipeline: nothing
wider is copied from the host.
"""

import math

import keras
import numpy as np
from keras import ops
from scipy import stats

from covid_keras.utils.backend import Tensor

QUANTILES = 4097
"""Grid points of the Beta distribution's inverse; the interpolation error is below 1e-6."""
BLUR_RADIUS = 4
"""Pixels to each side that the blur reaches: two standard deviations of the strongest."""


class RandomLayer(keras.layers.Layer):
    """A layer with a random stream of its own, whose state is saved with the weights.

    It computes in float32, or in its input's dtype, under any dtype policy.

    Args:
        seed: of the random stream.
    """

    def __init__(self, seed: int, **kwargs) -> None:
        super().__init__(autocast=False, **kwargs)
        self.random = keras.random.SeedGenerator(seed)

    def uniform(self, shape: tuple, low: float, high: float) -> Tensor:
        """Draw float32 in [low, high), uniform in steps of 2**-24 of the range.

        Drawn as integers: TensorFlow draws other floats under XLA than without, and XLA repeats a
        small float draw for every pixel that depends on it.
        """
        integers = keras.random.randint(shape, 0, 2**24, seed=self.random)
        return low + (high - low) * ops.cast(integers, "float32") / 2**24

    def normal(self, shape: tuple) -> Tensor:
        """Draw float32 that is nearly normal: the sum of four uniform numbers.

        Mean 0, variance 1, between -3.46 and 3.46.
        """
        total = ops.sum(self.uniform((4, *shape), -0.5, 0.5), axis=0)
        return total * 3**0.5


@keras.saving.register_keras_serializable(package="covid_keras")
class RandomCropFlip(RandomLayer):
    """Crop a random part of each image, and mirror half of them; the dtype is kept.

    Args:
        height, width: of the crop in pixels.
        flip: mirror left to right with probability one half.
        seed: of the layer's random stream.
    """

    def __init__(self, height: int, width: int, flip: bool, seed: int, **kwargs) -> None:
        super().__init__(seed, **kwargs)
        self.height, self.width, self.flip = height, width, flip

    def call(self, images, training: bool = False) -> Tensor:
        """Return (B, height, width, 1) of images (B, H, W, 1); unchanged at inference."""
        if not training:
            return images
        batch, height, width = ops.shape(images)[:3]
        rows, columns = (
            keras.random.randint((batch,), 0, side - size + 1, seed=self.random)[:, None]
            + ops.arange(size)
            for side, size in ((height, self.height), (width, self.width))
        )
        if self.flip:
            # Integers, because XLA repeats a uniform draw for every pixel that depends on it.
            mirrored = keras.random.randint((batch, 1), 0, 2, seed=self.random)
            columns = ops.where(mirrored == 1, ops.flip(columns, axis=1), columns)
        rows = ops.arange(batch)[:, None] * height + rows
        pixels = rows[:, :, None] * width + columns[:, None, :]
        return ops.take(ops.reshape(images, (-1,)), pixels)[..., None]


@keras.saving.register_keras_serializable(package="covid_keras")
class RandomAffine(RandomLayer):
    """Rotate each image about its centre, zoom and shift it, with bilinear interpolation.

    What lies outside of the image is black. Paper D's augmentation. (Keras' own random rotation,
    zoom and translation turn XLA off for the whole model.)

    Args:
        rotation: largest angle in degrees, uniform to both sides.
        zoom: largest relative change of size, uniform to both sides.
        shift: largest shift as a share of the side, uniform to both sides, along both axes.
        seed: of the layer's random stream.
    """

    def __init__(self, rotation: float, zoom: float, shift: float, seed: int, **kwargs) -> None:
        super().__init__(seed, **kwargs)
        self.rotation, self.zoom, self.shift = rotation, zoom, shift

    def call(self, images, training: bool = False) -> Tensor:
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


def sample(images, rows, columns) -> Tensor:
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


@keras.saving.register_keras_serializable(package="covid_keras")
class RandomPhotometric(RandomLayer):
    """Blur each image, change its contrast and brightness, and add noise, in that order.

    In grey levels, clipped to 0 to 255 at the end. Paper B's augmentation.

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
        super().__init__(seed, **kwargs)
        self.blur, self.noise = blur, noise
        self.brightness, self.contrast = brightness, contrast

    def call(self, images, training: bool = False) -> Tensor:
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

    def _blurred(self, x, each) -> Tensor:
        chosen = self.uniform(each, 0, 1) < self.blur
        sigma = self.uniform(each, *self.blur_sigmas)
        taps = [ops.exp(-0.5 * ops.square(d / sigma)) for d in range(BLUR_RADIUS + 1)]
        total = taps[0] + 2 * sum(taps[1:])
        y = x
        for axis in (1, 2):
            y = _weighted_shifts(y, [tap / total for tap in taps], axis)
        return ops.where(chosen, y, x)


def _weighted_shifts(x, taps, axis: int) -> Tensor:
    """Filter symmetrically along `axis`, the edge repeated; taps[d] weighs the pixels d away."""
    length = ops.shape(x)[axis]
    places = ops.arange(length)
    result = taps[0] * x
    for distance in range(1, len(taps)):
        before = ops.take(x, ops.maximum(places - distance, 0), axis=axis)
        after = ops.take(x, ops.minimum(places + distance, length - 1), axis=axis)
        result = result + taps[distance] * (before + after)
    return result


@keras.saving.register_keras_serializable(package="covid_keras")
class Mixup(RandomLayer):
    """Mix each batch with itself in reverse order, by one weight per batch.

    Follows google-research/big_transfer; Zhang et al. 2018. `keras.layers.MixUp` draws one weight
    per sample instead.

    Args:
        alpha: of the Beta(alpha, alpha) distribution of the weight; 0 turns mixup off.
        seed: of the layer's random stream.
    """

    def __init__(self, alpha: float, seed: int, **kwargs) -> None:
        super().__init__(seed, **kwargs)
        self.alpha = alpha
        # keras.random.beta does not compile under XLA in TensorFlow (its gamma sampler has no
        # kernel there), so the draw is an inverse distribution function on a fine grid.
        grid = np.linspace(0, 1, QUANTILES)
        self.quantiles = stats.beta.ppf(grid, alpha, alpha).astype("float32") if alpha else None

    def call(self, images, targets, training: bool = False) -> tuple[Tensor, Tensor]:
        """Return float images (B, H, W, C) and targets (B, K), mixed by the same weight."""
        if not training or not self.alpha:
            return images, targets
        weight = self.draw_weight()
        return _mix(images, weight), _mix(targets, weight)

    def draw_weight(self) -> Tensor:
        """Draw one float32 from Beta(alpha, alpha)."""
        place = self.uniform((), 0, QUANTILES - 1)
        # Linear interpolation as a product with hat functions: XLA then draws once, where it
        # would repeat a gather for every pixel.
        hats = ops.maximum(1 - ops.abs(ops.arange(QUANTILES, dtype="float32") - place), 0)
        return ops.dot(hats, ops.convert_to_tensor(self.quantiles))


def _mix(values, weight) -> Tensor:
    weight = ops.cast(weight, values.dtype)
    return weight * values + (1 - weight) * ops.flip(values, axis=0)
