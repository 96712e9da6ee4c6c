"""The DenseNets of keras.applications (papers B and D); PyTorch files load into them as well."""

import re

from covid_keras.models.keras_applications import imagenet, refuse_torch_resnet, row
from covid_keras.models.network import PREPROCESSING, Network
from covid_keras.models.weights.layout import torch_layout

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


def _densenet(name: str, parameters: int, features: int, md5: str) -> Network:
    citation = "Huang et al., Densely Connected Convolutional Networks, CVPR 2017, arXiv:1608.06993"
    layout = torch_layout("classifier", torch_layer, torch_canonical, refuse_torch_resnet)
    return row(
        name,
        layouts={"torch": layout},
        input_size=(253, 349),
        preprocessing=PREPROCESSING["torch"],
        parameters=parameters,
        features=features,
        stages=("pool1", "pool2_pool", "pool3_pool", "pool4_pool", "features"),
        weights=imagenet(f"densenet/{name}", citation, md5),
    )


DENSENET121 = _densenet("densenet121", 6_954_881, 1024, "30ee3e1110167f948a6b9946edeeb738")
NETWORKS = (
    DENSENET121,
    _densenet("densenet169", 12_486_145, 1664, "b8c4d4c20dd625c148057b9ff1c1176b"),
    _densenet("densenet201", 18_094_849, 1920, "c13680b51ded0fb44dff2d8f86ac8bb1"),
)
