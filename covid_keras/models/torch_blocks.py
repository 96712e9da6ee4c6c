"""What the networks that follow torchvision share: padding, norms, where weights come from."""

from covid_keras.models.lazy import batchnorm, layers
from covid_keras.models.network import Weights

HE_FAN_OUT = {
    "class_name": "VarianceScaling",
    "config": {"scale": 2.0, "mode": "fan_out", "distribution": "untruncated_normal"},
}
"""PyTorch's kaiming_normal_ with mode="fan_out": the initial kernels of torchvision's ResNets."""


def imagenet(file: str, citation: str) -> dict[str, Weights]:
    """Return torchvision's weights; `file` ends in the first digits of its SHA-256."""
    weights = Weights(
        address=f"https://download.pytorch.org/models/{file}.pth",
        source="ILSVRC-2012",
        licence="BSD-3-Clause",
        citation=citation,
        checksum=f"sha256:{file.rsplit('-', 1)[-1]}",
    )
    return {"imagenet": weights}


def pad(x, kernel_size: int, strides: int, name: str):
    """Pad with PyTorch's k // 2 zeros on each side (Keras' "same" pads by the input's parity).

    (B, H, W, C) to (B, H + 2 (k // 2), W + 2 (k // 2), C) for strides of 2 or more; unchanged for
    a stride of 1, where "same" is equal.
    """
    if strides == 1 or kernel_size == 1:
        return x
    return layers.ZeroPadding2D(kernel_size // 2, name=f"{name}.pad")(x)


def padding(strides: int) -> str:
    """Return the `padding` of a convolution that follows `pad`."""
    return "same" if strides == 1 else "valid"


def conv(x, filters: int, kernel_size: int, strides: int, name: str, initializer=HE_FAN_OUT):
    """Apply a convolution without bias: (B, H, W, C) to (B, ceil(H / strides), ..., filters)."""
    return layers.Conv2D(
        filters,
        kernel_size,
        strides,
        padding(strides),
        use_bias=False,
        kernel_initializer=initializer,
        name=name,
    )(pad(x, kernel_size, strides, name))


def norm(x, name: str):
    """Apply batch normalisation with PyTorch's epsilon (1e-5) and momentum (0.1 of each batch)."""
    return batchnorm.BatchNormalization(momentum=0.9, epsilon=1e-5, name=name)(x)


def max_pool(x, name: str):
    """Apply 3x3 pooling with stride 2 and a border of one pixel: sides become ceil(side / 2).

    `x` must not be negative, so that the zeros of the border change no maximum.
    """
    return layers.MaxPooling2D(3, 2, name=name)(pad(x, 3, 2, name))
