"""Random numbers that are the same with and without XLA."""

import keras
from keras import ops


def uniform(shape: tuple, low: float, high: float, seed: keras.random.SeedGenerator):
    """float32 in [low, high), uniform in steps of 2**-24 of the range.

    Drawn as integers: TensorFlow draws other floats under XLA than without, and XLA repeats a
    small float draw for every pixel that depends on it.
    """
    integers = keras.random.randint(shape, 0, 2**24, seed=seed)
    return low + (high - low) * ops.cast(integers, "float32") / 2**24


def normal(shape: tuple, seed: keras.random.SeedGenerator):
    """float32 from a distribution that is nearly the normal one, by the sum of four uniform ones.

    Mean 0, variance 1, between -3.46 and 3.46.
    """
    total = ops.sum(uniform((4, *shape), -0.5, 0.5, seed), axis=0)
    return total * 3**0.5
