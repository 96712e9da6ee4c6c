"""Random weights by the names of torchvision's state dicts, and images to run them on.

Shared by the recorder, which has PyTorch, and the tests, which have Keras: needs NumPy only.
"""

import zlib

import numpy as np


def tensor(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """The tensor called `name`: the same for every call, on every machine."""
    if name.endswith("num_batches_tracked"):
        return np.array(7, "int64")
    generator = np.random.default_rng(zlib.crc32(name.encode()))
    noise = generator.standard_normal(shape, dtype=np.float32)
    if len(shape) > 1:
        return noise * np.float32(np.sqrt(2 / np.prod(shape[1:])))
    if name.endswith("running_var"):
        return np.exp(np.float32(0.3) * noise)
    if name.endswith(("running_mean", "bias")):
        return np.float32(0.1) * noise
    return np.float32(0.8) + np.float32(0.1) * noise


def images(height: int, width: int, count: int = 2) -> np.ndarray:
    """Float32 (count, height, width, 3) about 0 with deviation 1, the same for every call."""
    generator = np.random.default_rng(height * 10_000 + width)
    return generator.standard_normal((count, height, width, 3), dtype=np.float32)
