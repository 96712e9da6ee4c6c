"""The networks that keras.applications builds (papers B and D), as flat graphs with fixed names.

Each graph is keras.applications' own, layer by layer, so its numbers are equal bit for bit. Layers
that Keras numbers itself (all of InceptionV3, the shortcuts of Xception) are named as in a fresh
session, "conv2d", "conv2d_1", ... Paper D's variant is `densenet_conv`.
"""

import re
from collections import Counter
from dataclasses import replace
from functools import cache, partial

from covid_keras.models.lazy import batchnorm, keras, layers
from covid_keras.models.network import PREPROCESSING, Network, Weights
from covid_keras.models.weights.layout import Layout, Slot, torch_layout
from covid_keras.utils.backend import Tensor

FILTERS = 256
"""Channels of the convolution in `densenet_conv`."""


def application(images, builder: str, last: str = "features") -> Tensor:
    """Return the features of `images` (B, H, W, 3) by keras.applications' function `builder`.

    They are the output of the layer `last`, (B, h, w, C), with h and w about a 32nd of H and W.
    """
    original = _original(builder)
    names = _fresh_names(original) | {original.layers[-1].name: last}

    def renamed(layer) -> "keras.Layer":
        is_norm = type(layer) is layers.BatchNormalization
        kind = batchnorm.BatchNormalization if is_norm else type(layer)
        return kind.from_config({**layer.get_config(), "name": names[layer.name]})

    return keras.models.clone_model(original, images, clone_function=renamed).output


def _original(builder: str) -> "keras.Model":
    """Build keras.applications' graph, with variables that take no memory.

    (Keras initialises them if a later `StatelessScope` ends before the graph is freed.)
    """
    with keras.StatelessScope(initialize_variables=False):
        return getattr(keras.applications, builder)(include_top=False, weights=None)


def _automatic(layer) -> tuple[str, int] | None:
    """Return the parts of a name that Keras chose, ("conv2d", 17) of "conv2d_17", else None."""
    stem, number = re.fullmatch(r"(.+?)(?:_(\d+))?", layer.name).groups()
    chosen = stem.replace("_", "") == type(layer).__name__.lower()
    return (stem, int(number or 0)) if chosen else None


def _fresh_names(model) -> dict[str, str]:
    """Return {name of a layer: its name in a fresh session}."""
    names = {layer.name: layer.name for layer in model.layers}
    automatic = ((*parts, layer.name) for layer in model.layers if (parts := _automatic(layer)))
    counts = Counter()
    for stem, _, name in sorted(automatic):
        names[name] = f"{stem}_{counts[stem]}" if counts[stem] else stem
        counts[stem] += 1
    return names


def h5_layout(builder: str) -> Layout:
    """Return the layout of Keras' legacy .h5 files, where a tensor is called "conv1_conv/0".

    Published DenseNets have "conv1/conv" for "conv1_conv" and "fc1000" for the classifier
    "predictions", ResNets "probs". `legacy_h5` names numbered layers, such as "conv2d 3 of 94".
    """

    def name(slot: Slot) -> str:
        layer = "predictions" if slot.layer.name == "head" else slot.layer.name
        return f"{layer}/{slot.index}"

    def canonical(stored: str) -> str:
        layer, _, index = stored.rpartition("/")
        layer = layer.replace("/", "_")
        if numbered := re.fullmatch(r"(\w+) (\d+) of (\d+)", layer):
            names = _numbered(builder).get((numbered[1], int(numbered[3])))
            layer = names[int(numbered[2]) - 1] if names else layer
        return f"{'predictions' if layer in ('fc1000', 'probs') else layer}/{index}"

    return Layout(name, canonical=canonical, head="predictions/")


@cache
def _numbered(builder: str) -> dict[tuple[str, int], list[str]]:
    """Return {(kind, count): the names of the layers that a file may hold as numbered layers}.

    These are all layers of the kind, as in the published Xception, or those that Keras numbers
    today, both in the order in which Keras saves them.
    """
    original = _original(builder)
    names = _fresh_names(original)
    orders = {}
    for stem in ("conv2d", "separable_conv2d", "batch_normalization"):
        kind = stem.replace("_", "")
        every = [layer for layer in original.layers if type(layer).__name__.lower() == kind]
        for group in (every, [layer for layer in every if _automatic(layer)]):
            orders[stem, len(group)] = [names[layer.name] for layer in group]
    return orders


def refuse_torch_resnet(name: str) -> str | None:
    """Return why torchvision's ResNets cannot be loaded, None for a tensor of another network."""
    if not re.match(r"layer[1-4]\.\d+\.", name):
        return None
    return (
        f"{name} is of torchvision's ResNet or ResNeXt; the ResNets here are "
        "keras.applications', with biases and the stride on the first 1x1 convolution"
    )


def imagenet(file: str, citation: str, md5: str) -> dict[str, Weights]:
    """Return Keras' weights, with the MD5 that Keras gives."""
    bucket = "https://storage.googleapis.com/tensorflow/keras-applications"
    address = f"{bucket}/{file}_weights_tf_dim_ordering_tf_kernels_notop.h5"
    return {"imagenet": Weights(address, "ILSVRC-2012", "MIT", citation, f"md5:{md5}")}


_RESNET = "He et al., Deep Residual Learning for Image Recognition, CVPR 2016, arXiv:1512.03385"
_INCEPTION = "Szegedy et al., Rethinking the Inception Architecture, CVPR 2016, arXiv:1512.00567"
_XCEPTION = "Chollet, Xception, CVPR 2017, arXiv:1610.02357"


def row(builder: str, torch: Layout | None = None, **columns) -> Network:
    """Return a row by keras.applications' function `builder`, with `columns` of its own."""
    layouts = {"h5": h5_layout(builder)} | ({"torch": torch} if torch else {})
    return Network(graph=partial(application, builder=builder), layouts=layouts, **columns)


def _resnet(depth: int, parameters: int, units: int, biases: int, md5: str) -> Network:
    """Return the row of a ResNet with this number of `units` in its fourth stage."""
    ends = ("conv2_block3_out", "conv3_block4_out", f"conv4_block{units}_out")
    return row(
        f"ResNet{depth}",
        torch=torch_layout("fc", refusal=refuse_torch_resnet),
        name=f"resnet{depth}",
        input_size=(253, 349),
        preprocessing=PREPROCESSING["caffe"],
        parameters=parameters,
        features=2048,
        stages=("pool1_pool", *ends, "features"),
        weights=imagenet(f"resnet/resnet{depth}", _RESNET, md5),
        note=f"Keras' convolutions have biases ({biases:,} more than the paper's), stride on the "
        "first 1x1",
    )


_TORCH_PARTS = {"0_bn": "norm1", "1_conv": "conv1", "1_bn": "norm2", "2_conv": "conv2"}
_TORCH_ENDS = {"conv1_conv": "features.conv0", "conv1_bn": "features.norm0", "bn": "features.norm5"}


def torch_densenet_layer(layer: str) -> str:
    """Return torchvision's path of a layer: "denseblock1.denselayer2" for "conv2_block2"."""
    if dense := re.fullmatch(r"conv(\d)_block(\d+)_(\d_\w+)", layer):
        place = f"features.denseblock{int(dense[1]) - 1}.denselayer{dense[2]}"
        return f"{place}.{_TORCH_PARTS.get(dense[3], dense[3])}"
    if transition := re.fullmatch(r"pool(\d)_(bn|conv)", layer):
        part = {"bn": "norm", "conv": "conv"}[transition[2]]
        return f"features.transition{int(transition[1]) - 1}.{part}"
    return _TORCH_ENDS.get(layer, layer)


def torch_densenet_name(name: str) -> str:
    """Return today's spelling of a name: the published files have "norm.1" for "norm1"."""
    return re.sub(r"(\.denselayer\d+\.(?:norm|conv))\.([12])\.", r"\1\2.", name)


def _densenet(depth: int, parameters: int, features: int, md5: str) -> Network:
    citation = "Huang et al., Densely Connected Convolutional Networks, CVPR 2017, arXiv:1608.06993"
    return row(
        f"DenseNet{depth}",
        torch=torch_layout(
            "classifier", torch_densenet_layer, torch_densenet_name, refuse_torch_resnet
        ),
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
    _resnet(50, 23_536_641, 6, 26_560, "4d473c1dd8becc155b73f8504c6f6626"),
    _resnet(101, 42_554_881, 23, 52_672, "88cf7a10940856eca736dc7b7e228a21"),
    row(
        "InceptionV3",
        name="inception_v3",
        input_size=(267, 331),
        preprocessing=PREPROCESSING["tf"],
        parameters=21_770_401,
        features=2048,
        stages=("max_pooling2d_1", "mixed2", "mixed7", "features"),
        weights=imagenet(
            "inception_v3/inception_v3", _INCEPTION, "bcbd6486424b2319ff4ef7d526e38f63"
        ),
        dropout=0.5,
        smallest=75,
        note="Keras' batch norm has no scale here (17,216 fewer than the paper's); no auxiliary"
        " classifier",
    ),
    row(
        "Xception",
        name="xception",
        input_size=(231, 327),
        preprocessing=PREPROCESSING["tf"],
        parameters=20_809_001,
        features=2048,
        stages=("block1_conv2_act", "add_2", "add_10", "features"),
        weights=imagenet("xception/xception", _XCEPTION, "b0042744bf5b25fce3cb969f33bebb97"),
        smallest=7,
    ),
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
