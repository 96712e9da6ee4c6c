"""The base of the augmentation layers: random numbers that are the same with and without XLA."""

import keras
from keras import ops


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
