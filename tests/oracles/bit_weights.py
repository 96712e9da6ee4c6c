"""Random weights of a BiT ResNet in the layout of the published .npz files.

Shared by the recorder, which has PyTorch, and the tests, which have Keras: needs NumPy only.
"""

from pathlib import Path

import numpy as np

UNITS = (3, 4, 6, 3)
CLASSES = 5
REDUCED = {
    "bit_r50x3": (1, 2, 1, 1),
    "bit_r101x1": (1, 2, 3, 1),
    "bit_r101x3": (1, 1, 2, 1),
    "bit_r152x2": (1, 2, 2, 1),
    "bit_r152x4": (1, 1, 1, 1),
}
"""Units a block in which the larger sizes are compared, at their own width: the full ones have
0.04 to 0.9 thousand million weights."""


def shapes(units: tuple[int, ...] = UNITS, width: int = 1) -> dict[str, tuple[int, ...]]:
    """{official name: shape} of a BiT ResNet, head included."""
    conv = "standardized_conv2d/kernel"
    channels = 64 * width
    found = {f"resnet/root_block/{conv}": (7, 7, 3, channels)}
    for block, count in enumerate(units, start=1):
        mid = 64 * width * 2 ** (block - 1)
        for unit in range(1, count + 1):
            place = f"resnet/block{block}/unit{unit:02d}"
            if unit == 1:
                found[f"{place}/a/proj/{conv}"] = (1, 1, channels, 4 * mid)
            found[f"{place}/a/{conv}"] = (1, 1, channels, mid)
            found[f"{place}/b/{conv}"] = (3, 3, mid, mid)
            found[f"{place}/c/{conv}"] = (1, 1, mid, 4 * mid)
            for part, size in (("a", channels), ("b", mid), ("c", mid)):
                found |= {f"{place}/{part}/group_norm/{x}": (size,) for x in ("gamma", "beta")}
            channels = 4 * mid
    found |= {f"resnet/group_norm/{x}": (channels,) for x in ("gamma", "beta")}
    found["resnet/head/conv2d/kernel"] = (1, 1, channels, CLASSES)
    found["resnet/head/conv2d/bias"] = (CLASSES,)
    return found


def write(path: Path, units: tuple[int, ...] = UNITS, width: int = 1) -> None:
    """Write the weights, the same for every call. Kernels are off centre, to be standardised."""
    generator = np.random.default_rng(20200510)
    tensors = {}
    for name, shape in shapes(units, width).items():
        noise = generator.standard_normal(shape, dtype=np.float32)
        if name.endswith("gamma"):
            tensors[name] = 1 + 0.1 * noise
        elif name.endswith("kernel"):
            tensors[name] = 0.01 + 0.05 * noise
        else:
            tensors[name] = 0.1 * noise
    np.savez(path, **tensors)


def images(height: int, width: int, count: int = 2) -> np.ndarray:
    """Float32 (count, height, width, 3) in [-1, 1], the same for every call."""
    generator = np.random.default_rng(height * 10_000 + width)
    return generator.uniform(-1, 1, (count, height, width, 3)).astype(np.float32)
