"""The DenseNets of keras.applications (papers B and D), and paper D's variant `densenet_conv`.

PyTorch files load into them as well.
"""

import re
from dataclasses import replace

from covid_keras.models.keras_applications import application, imagenet, refuse_torch_resnet, row
from covid_keras.models.lazy import layers
from covid_keras.models.network import PREPROCESSING, Network
from covid_keras.models.weights.layout import Layout, Slot, torch_layout
from covid_keras.utils.backend import Tensor

FILTERS = 256
"""Channels of the convolution in `densenet_conv`."""

_TORCH_PARTS = {"0_bn": "norm1", "1_conv": "conv1", "1_bn": "norm2", "2_conv": "conv2"}
_TORCH_ENDS = {"conv1_conv": "features.conv0", "conv1_bn": "features.norm0", "bn": "features.norm5"}


def torch_layer(layer: str) -> str:
    """Return torchvision's path of a layer: "denseblock1.denselayer2" for "conv2_block2"."""
    if dense := re.fullmatch(r"conv(\d)_block(\d+)_(\d_\w+)", layer):
        place = f"features.denseblock{int(dense[1]) - 1}.denselayer{dense[2]}"
        return f"{place}.{_TORCH_PARTS.get(dense[3], dense[3])}"
    if transition := re.fullmatch(r"pool(\d)_(bn|conv)", layer):
        part = {"bn": "norm", "conv": "conv"}[transition[2]]
        return f"features.transition{int(transition[1]) - 1}.{part}"
    return _TORCH_ENDS.get(layer, layer)


def torch_canonical(name: str) -> str:
    """Return today's spelling of a name: the published files have "norm.1" for "norm1"."""
    return re.sub(r"(\.denselayer\d+\.(?:norm|conv))\.([12])\.", r"\1\2.", name)


def _densenet(depth: int, parameters: int, features: int, md5: str) -> Network:
    citation = "Huang et al., Densely Connected Convolutional Networks, CVPR 2017, arXiv:1608.06993"
    return row(
        f"DenseNet{depth}",
        torch=torch_layout("classifier", torch_layer, torch_canonical, refuse_torch_resnet),
        name=f"densenet{depth}",
        input_size=(253, 349),
        preprocessing=PREPROCESSING["torch"],
        parameters=parameters,
        features=features,
        stages=("pool1", "pool2_pool", "pool3_pool", "pool4_pool", "features"),
        weights=imagenet(f"densenet/densenet{depth}", citation, md5),
        smallest=29,
    )


def densenet_conv(x) -> Tensor:
    """Return the features of images `x` (B, H, W, 3): (B, h, w, `FILTERS`).

    Berrimi et al. write: "We add at the top of the [DenseNet] model a convolutional layer that
    performs feature extraction [...], and at the bottom a dense layer followed by [...] dropout
    [...] and BatchNormalization". The dense layer is the head `dense`. The paper leaves the rest
    open; here:

    - densenet121, the smallest, because the paper trains on some hundred images and on one K80;
    - "at the top" is after the DenseNet, as in Keras' `include_top`: pretrained weights expect
      three channels in front, and a convolution that extracts features for the dense layer
      precedes it;
    - 256 filters, a quarter of the DenseNet's 1024 channels and as many as the head's dense layer
      has units; more would make the new layer as large as the network (1024 filters: 9.4 M
      parameters);
    - 3x3, "same" padding, bias, ReLU: Keras' usual convolution, which keeps the feature map's size.

    The DenseNet's last activation is "relu"; the layers after it are "extra.conv" and "features".
    """
    x = application(x, "DenseNet121", last="relu")
    x = layers.Conv2D(FILTERS, 3, padding="same", name="extra.conv")(x)
    return layers.ReLU(name="features")(x)


def _without_new_layer(layout: Layout) -> Layout:
    """Return the DenseNet's layout; "extra.conv" is in no published file and stays random."""

    def name(slot: Slot) -> str | None:
        return None if slot.layer.name == "extra.conv" else layout.name(slot)

    return replace(layout, name=name)


DENSENET121 = _densenet(121, 6_954_881, 1024, "30ee3e1110167f948a6b9946edeeb738")
NETWORKS = (
    DENSENET121,
    _densenet(169, 12_486_145, 1664, "b8c4d4c20dd625c148057b9ff1c1176b"),
    _densenet(201, 18_094_849, 1920, "c13680b51ded0fb44dff2d8f86ac8bb1"),
    replace(
        DENSENET121,
        name="densenet_conv",
        graph=densenet_conv,
        input_size=(224, 224),
        parameters=9_313_665,
        features=FILTERS,
        stages=(*DENSENET121.stages[:-1], "relu", "features"),
        layouts={kind: _without_new_layer(layout) for kind, layout in DENSENET121.layouts.items()},
        note="densenet121, then a 3x3 convolution to 256 channels and ReLU (a quarter of the "
        "channels, as many as the head `dense` has units); paper D leaves all of it open",
    ),
)
