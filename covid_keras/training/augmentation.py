"""The base of the augmentation layers; random crop, flip and mixup.

Written with `keras.ops` for TensorFlow and JAX, with and without XLA, and batched on the
accelerator inside the training step. The layers take the uint8 samples of the pipeline: nothing
wider is copied from the host.
"""

import keras
import numpy as np
from keras import ops
from scipy import stats

QUANTILES = 4097
"""Grid points of the Beta distribution's inverse; the interpolation error is below 1e-6."""


class RandomLayer(keras.layers.Layer):
    """A layer with a random stream of its own, whose state is saved with the weights.

    It computes in float32, or in its input's dtype, under any dtype policy.

    Args:
        seed: of the random stream.
        settings: the subclass's other arguments, which become attributes.
    """

    def __init__(self, seed: int, settings: dict[str, float], **kwargs) -> None:
        super().__init__(autocast=False, **kwargs)
        self.seed = seed
        self.settings = settings
        self.random = keras.random.SeedGenerator(seed)
        for name, value in settings.items():
            setattr(self, name, value)

    def get_config(self) -> dict:
        return {**super().get_config(), "seed": self.seed, **self.settings}

    def uniform(self, shape: tuple, low: float, high: float):
        """Draw float32 in [low, high), uniform in steps of 2**-24 of the range.

        Drawn as integers: TensorFlow draws other floats under XLA than without, and XLA repeats a
        small float draw for every pixel that depends on it.
        """
        integers = keras.random.randint(shape, 0, 2**24, seed=self.random)
        return low + (high - low) * ops.cast(integers, "float32") / 2**24

    def normal(self, shape: tuple):
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
        super().__init__(seed, {"height": height, "width": width, "flip": flip}, **kwargs)

    def call(self, images, training: bool = False):
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
class Mixup(RandomLayer):
    """Mix each batch with itself in reverse order, by one weight per batch.

    Follows google-research/big_transfer; Zhang et al. 2018. `keras.layers.MixUp` draws one weight
    per sample instead.

    Args:
        alpha: of the Beta(alpha, alpha) distribution of the weight; 0 turns mixup off.
        seed: of the layer's random stream.
    """

    def __init__(self, alpha: float, seed: int, **kwargs) -> None:
        super().__init__(seed, {"alpha": alpha}, **kwargs)
        # keras.random.beta does not compile under XLA in TensorFlow (its gamma sampler has no
        # kernel there), so the draw is an inverse distribution function on a fine grid.
        grid = np.linspace(0, 1, QUANTILES)
        self.quantiles = stats.beta.ppf(grid, alpha, alpha).astype("float32") if alpha else None

    def call(self, images, targets, training: bool = False):
        """Return float images (B, H, W, C) and targets (B, K), mixed by the same weight."""
        if not training or not self.alpha:
            return images, targets
        weight = self.draw_weight()
        return _mix(images, weight), _mix(targets, weight)

    def draw_weight(self):
        """Draw one float32 from Beta(alpha, alpha)."""
        place = self.uniform((), 0, QUANTILES - 1)
        # Linear interpolation as a product with hat functions: XLA then draws once, where it
        # would repeat a gather for every pixel.
        hats = ops.maximum(1 - ops.abs(ops.arange(QUANTILES, dtype="float32") - place), 0)
        return ops.dot(hats, ops.convert_to_tensor(self.quantiles))


def _mix(values, weight):
    weight = ops.cast(weight, values.dtype)
    return weight * values + (1 - weight) * ops.flip(values, axis=0)
