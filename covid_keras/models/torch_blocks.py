"""What the networks that follow torchvision share: padding, norms, where weights come from."""

from covid_keras.models.lazy import batchnorm, layers
from covid_keras.models.network import Weights
from covid_keras.utils.backend import Tensor

_NORMAL = {"scale": 2.0, "mode": "fan_out", "distribution": "untruncated_normal"}
HE_FAN_OUT = {"class_name": "VarianceScaling", "config": _NORMAL}
"""PyTorch's kaiming_normal_ with mode="fan_out": the initial kernels of torchvision's ResNets."""


def imagenet(file: str, citation: str) -> dict[str, Weights]:
    """Return torchvision's weights; `file` ends in the first digits of its SHA-256."""
    address = f"https://download.pytorch.org/models/{file}.pth"
    checksum = f"sha256:{file.rsplit('-', 1)[-1]}"
    return {"imagenet": Weights(address, "ILSVRC-2012", "BSD-3-Clause", citation, checksum)}


def pad(x, kernel_size: int, strides: int, name: str) -> Tensor:
    """Pad with PyTorch's k // 2 zeros on each side, where Keras' "same" is not equal."""
    if strides == 1 or kernel_size == 1:
        return x
    return layers.ZeroPadding2D(kernel_size // 2, name=f"{name}.pad")(x)


def padding(strides: int) -> str:
    """Return the `padding` of a convolution that follows `pad`."""
    return "same" if strides == 1 else "valid"


def conv(
    x, filters: int, kernel_size: int, strides: int, name: str, initializer=HE_FAN_OUT
) -> Tensor:
    """Apply a convolution without bias: (B, H, W, C) to (B, ceil(H / strides), ..., filters)."""
    options = {"use_bias": False, "kernel_initializer": initializer, "name": name}
    convolution = layers.Conv2D(filters, kernel_size, strides, padding(strides), **options)
    return convolution(pad(x, kernel_size, strides, name))


def norm(x, name: str) -> Tensor:
    """Apply batch normalisation with PyTorch's epsilon (1e-5) and momentum (0.1 of each batch)."""
    return batchnorm.BatchNormalization(momentum=0.9, epsilon=1e-5, name=name)(x)


def max_pool(x, name: str) -> Tensor:
    """Apply 3x3 pooling with stride 2 and a border of zeros: `x` must not be negative."""
    return layers.MaxPooling2D(3, 2, name=name)(pad(x, 3, 2, name))
