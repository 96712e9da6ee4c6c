"""What the networks that follow torchvision have in common: padding, norms, published names."""

from keras import layers

from covid_keras.models.batchnorm import BatchNormalization
from covid_keras.models.weights.layout import (
    TORCH_WEIGHTS,
    Layout,
    Slot,
    torch_axes,
    torch_canonical,
)

HE_FAN_OUT = {
    "class_name": "VarianceScaling",
    "config": {"scale": 2.0, "mode": "fan_out", "distribution": "untruncated_normal"},
}
"""PyTorch's kaiming_normal_ with mode="fan_out", which torchvision's ResNets start from."""


def pad(x, kernel_size: int, strides: int, name: str):
    """PyTorch's k // 2 zeros on each side, where Keras' "same" would pad by the input's parity.

    (B, H, W, C) to (B, H + 2 (k // 2), W + 2 (k // 2), C) for strides of 2 or more; with a stride
    of 1 "same" is equal, and nothing is done.
    """
    if strides == 1 or kernel_size == 1:
        return x
    return layers.ZeroPadding2D(kernel_size // 2, name=f"{name}.pad")(x)


def padding(strides: int) -> str:
    """The `padding` of a convolution on the output of `pad`."""
    return "same" if strides == 1 else "valid"


def conv(x, filters: int, kernel_size: int, strides: int, name: str, initializer=HE_FAN_OUT):
    """A convolution without bias: (B, H, W, C) to (B, ceil(H / strides), ..., filters)."""
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
    """Batch normalisation with PyTorch's numbers: epsilon 1e-5; 0.1 of each new batch."""
    return BatchNormalization(momentum=0.9, epsilon=1e-5, name=name)(x)


def max_pool(x, name: str):
    """3x3 with stride 2 and one pixel around: (B, H, W, C) to (B, ceil(H / 2), ceil(W / 2), C).

    `x` must not be negative: then the zeros around it change no maximum.
    """
    return layers.MaxPooling2D(3, 2, name=name)(pad(x, 3, 2, name))


def layout(head: str) -> Layout:
    """Torchvision's state dicts; `head` is the path of the published classifier's last layer."""

    def name(slot: Slot) -> str:
        place = head if slot.layer.name == "head" else slot.layer.name
        return f"{place}.{TORCH_WEIGHTS[slot.weight]}"

    return Layout(
        name=name,
        axes=torch_axes,
        canonical=torch_canonical,
        is_head=lambda name: name.startswith(f"{head}."),
    )
