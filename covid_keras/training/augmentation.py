"""Random crop, flip and mixup: batched, on the accelerator, inside the training step.

Written with `keras.ops`, so that the layers run under TensorFlow and JAX and inside XLA. They take
the uint8 slices that the pipeline yields: nothing wider is copied from the host.
"""

import keras
import numpy as np
from keras import ops
from scipy import stats

QUANTILES = 4097
"""Grid points of the Beta distribution's inverse; the interpolation error is below 1e-6."""


@keras.saving.register_keras_serializable(package="covid_keras")
class RandomCropFlip(keras.layers.Layer):
    """A random part of each image, mirrored for half of them; integer pixels are kept.

    At inference the slices already have the crop's size and pass unchanged.

    Args:
        height, width: of the crop in pixels.
        flip: mirror left to right with probability one half.
        seed: of the layer's own random stream, whose state is saved with the weights.
    """

    def __init__(self, height: int, width: int, flip: bool, seed: int, **kwargs) -> None:
        super().__init__(autocast=False, **kwargs)
        self.height = height
        self.width = width
        self.flip = flip
        self.seed = seed
        self.random = keras.random.SeedGenerator(seed)

    def call(self, images, training: bool = False):
        """(B, H, W, 1) to (B, height, width, 1) of the same dtype."""
        if not training:
            return images
        batch, height, width = ops.shape(images)[:3]
        rows = self._start(batch, height, self.height)[:, None] + ops.arange(self.height)
        columns = self._start(batch, width, self.width)[:, None] + ops.arange(self.width)
        if self.flip:
            # Integers, because XLA repeats a uniform draw for every pixel that depends on it.
            mirrored = keras.random.randint((batch, 1), 0, 2, seed=self.random)
            columns = ops.where(mirrored == 1, ops.flip(columns, axis=1), columns)
        rows = ops.arange(batch)[:, None] * height + rows
        pixels = rows[:, :, None] * width + columns[:, None, :]
        return ops.take(ops.reshape(images, (-1,)), pixels)[..., None]

    def _start(self, batch, side, size: int):
        """int32 (B,) first rows or columns, uniform over all places where the crop fits."""
        places = side - size + 1
        return keras.random.randint((batch,), 0, places, seed=self.random)

    def get_config(self) -> dict:
        own = ("height", "width", "flip", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}


@keras.saving.register_keras_serializable(package="covid_keras")
class Mixup(keras.layers.Layer):
    """BiT's mixup: one weight a batch, mixed with the same batch reversed.

    Follows google-research/big_transfer; Zhang et al. 2018. `keras.layers.MixUp` draws one weight
    a sample instead.

    Args:
        alpha: of the Beta(alpha, alpha) that the weight is drawn from; 0 turns mixup off.
        seed: of the layer's own random stream.
    """

    def __init__(self, alpha: float, seed: int, **kwargs) -> None:
        super().__init__(autocast=False, **kwargs)
        self.alpha = alpha
        self.seed = seed
        self.random = keras.random.SeedGenerator(seed)
        # keras.random.beta does not compile under XLA in TensorFlow (its gamma sampler has no
        # kernel there), so the draw is an inverse distribution function on a fine grid.
        grid = np.linspace(0, 1, QUANTILES)
        self.quantiles = stats.beta.ppf(grid, alpha, alpha).astype("float32") if alpha else None

    def call(self, images, targets, training: bool = False):
        """Float images (B, H, W, C) and targets (B, K), both mixed by the same weight."""
        if not training or not self.alpha:
            return images, targets
        weight = self._draw()
        return _mix(images, weight), _mix(targets, weight)

    def _draw(self):
        """One float32 from Beta(alpha, alpha)."""
        # Integers, because TensorFlow draws other floats under XLA than without.
        place = keras.random.randint((), 0, 2**24, seed=self.random)
        place = ops.cast(place, "float32") / 2**24 * (QUANTILES - 1)
        # Linear interpolation as a product with hat functions: XLA then draws once, where a
        # gather would be fused into, and repeated for, every pixel.
        hats = ops.maximum(1 - ops.abs(ops.arange(QUANTILES, dtype="float32") - place), 0)
        return ops.dot(hats, ops.convert_to_tensor(self.quantiles))

    def get_config(self) -> dict:
        return {**super().get_config(), "alpha": self.alpha, "seed": self.seed}


def _mix(values, weight):
    weight = ops.cast(weight, values.dtype)
    return weight * values + (1 - weight) * ops.flip(values, axis=0)
