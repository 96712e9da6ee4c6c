"""Rows of the networks that are built here as torchvision builds them (paper B)."""

from covid_keras.models.network import PREPROCESSING, Network, Weights

_TORCHVISION = "https://download.pytorch.org/models"
_RESNET = "He et al., Deep Residual Learning for Image Recognition, CVPR 2016, arXiv:1512.03385"
_RESNEXT = "Xie et al., Aggregated Residual Transformations, CVPR 2017, arXiv:1611.05431"
_SQUEEZENET = "Iandola et al., SqueezeNet, 2016, arXiv:1602.07360"
_SHUFFLENET = "Ma et al., ShuffleNet V2, ECCV 2018, arXiv:1807.11164"


def _imagenet(file: str, citation: str) -> dict[str, Weights]:
    """`file` ends in the first digits of its SHA-256, as torchvision names its files."""
    imagenet = Weights(
        address=f"{_TORCHVISION}/{file}.pth",
        source="ILSVRC-2012",
        licence="BSD-3-Clause",
        citation=citation,
        checksum=f"sha256:{file.rsplit('-', 1)[-1]}",
    )
    return {"imagenet": imagenet}


def _resnet(
    name: str, parameters: int, features: int, units: tuple[int, ...], citation: str, file: str
) -> Network:
    last = [f"layer{stage}.{count - 1}.relu" for stage, count in enumerate(units, start=1)]
    return Network(
        name=name,
        family="resnet",
        input_size=(253, 349),
        preprocessing=PREPROCESSING["torch"],
        parameters=parameters,
        features=features,
        stages=("maxpool", *last[:-1], "features"),
        weights=_imagenet(file, citation),
    )


def _shufflenet(name: str, parameters: int, file: str) -> Network:
    return Network(
        name=name,
        family="shufflenet",
        input_size=(225, 321),
        preprocessing=PREPROCESSING["torch"],
        parameters=parameters,
        features=1024,
        stages=("maxpool", "stage2.3.shuffle", "stage3.7.shuffle", "stage4.3.shuffle", "features"),
        weights=_imagenet(file, _SHUFFLENET),
    )


NETWORKS = (
    Network(
        name="squeezenet",
        family="squeezenet",
        input_size=(255, 335),
        preprocessing=PREPROCESSING["torch"],
        parameters=735_937,
        features=512,
        stages=("features.2", "features.6", "features.11", "features"),
        weights=_imagenet("squeezenet1_0-b66bff10", _SQUEEZENET),
        file_preprocessing={".npz": "caffe-whole"},
    ),
    Network(
        name="squeezenet1_1",
        family="squeezenet",
        input_size=(255, 335),
        preprocessing=PREPROCESSING["torch"],
        parameters=723_009,
        features=512,
        stages=("features.2", "features.5", "features.8", "features"),
        weights=_imagenet("squeezenet1_1-b8a52dc0", _SQUEEZENET),
        # The package's own files end in .weights.h5, the published Keras one in .h5.
        file_preprocessing={".weights.h5": "torch", ".h5": "caffe"},
    ),
    _shufflenet("shufflenet_v2_x0_5", 342_817, "shufflenetv2_x0.5-f707e7126e"),
    _shufflenet("shufflenet_v2_x1_0", 1_254_629, "shufflenetv2_x1-5666bf0f80"),
    _resnet("resnet18", 11_177_025, 512, (2, 2, 2, 2), _RESNET, "resnet18-f37072fd"),
    _resnet("resnext50", 22_981_953, 2048, (3, 4, 6, 3), _RESNEXT, "resnext50_32x4d-7cdf4587"),
    _resnet("resnext101", 86_744_385, 2048, (3, 4, 23, 3), _RESNEXT, "resnext101_32x8d-8ba56ff5"),
)
