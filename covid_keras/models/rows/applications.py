"""Rows of the networks that keras.applications has (papers B and D)."""

from covid_keras.models.rows.row import PREPROCESSING, Network, Weights

_KERAS_BUCKET = "https://storage.googleapis.com/tensorflow/keras-applications"
_DENSENET_STAGES = ("pool1", "pool2_pool", "pool3_pool", "pool4_pool", "features")


def _application(
    name: str,
    size: tuple[int, int],
    preprocessing: str,
    parameters: int,
    features: int,
    stages: tuple[str, ...],
    citation: str,
    checksum: str,
    *,
    family: str = "applications",
    file: str = "",
    note: str = "",
) -> Network:
    """`size` is width and height, as paper B writes it; `checksum` the MD5 that Keras gives."""
    imagenet = Weights(
        address=f"{_KERAS_BUCKET}/{file or name}_weights_tf_dim_ordering_tf_kernels_notop.h5",
        source="ILSVRC-2012",
        licence="MIT",
        citation=citation,
        checksum=f"md5:{checksum}",
    )
    return Network(
        name=name,
        family=family,
        input_size=size[::-1],
        preprocessing=PREPROCESSING[preprocessing],
        parameters=parameters,
        features=features,
        stages=stages,
        weights={"imagenet": imagenet},
        note=note,
    )


_RESNET = "He et al., Deep Residual Learning for Image Recognition, CVPR 2016, arXiv:1512.03385"
_INCEPTION = "Szegedy et al., Rethinking the Inception Architecture, CVPR 2016, arXiv:1512.00567"
_XCEPTION = "Chollet, Xception, CVPR 2017, arXiv:1610.02357"
_DENSENET = "Huang et al., Densely Connected Convolutional Networks, CVPR 2017, arXiv:1608.06993"
_BIASES = "Keras' convolutions have biases ({:,} more than the paper's), stride on the first 1x1"

NETWORKS = (
    _application(
        "resnet50",
        (349, 253),
        "caffe",
        23_536_641,
        2048,
        ("pool1_pool", "conv2_block3_out", "conv3_block4_out", "conv4_block6_out", "features"),
        _RESNET,
        "4d473c1dd8becc155b73f8504c6f6626",
        file="resnet/resnet50",
        note=_BIASES.format(26_560),
    ),
    _application(
        "resnet101",
        (349, 253),
        "caffe",
        42_554_881,
        2048,
        ("pool1_pool", "conv2_block3_out", "conv3_block4_out", "conv4_block23_out", "features"),
        _RESNET,
        "88cf7a10940856eca736dc7b7e228a21",
        file="resnet/resnet101",
        note=_BIASES.format(52_672),
    ),
    _application(
        "inception_v3",
        (331, 267),
        "tf",
        21_770_401,
        2048,
        ("max_pooling2d_1", "mixed2", "mixed7", "features"),
        _INCEPTION,
        "bcbd6486424b2319ff4ef7d526e38f63",
        file="inception_v3/inception_v3",
        note="Keras' batch norm has no scale here (17,216 fewer than the paper's)",
    ),
    _application(
        "xception",
        (327, 231),
        "tf",
        20_809_001,
        2048,
        ("block1_conv2_act", "add_2", "add_10", "features"),
        _XCEPTION,
        "b0042744bf5b25fce3cb969f33bebb97",
        file="xception/xception",
    ),
    _application(
        "densenet121",
        (349, 253),
        "torch",
        6_954_881,
        1024,
        _DENSENET_STAGES,
        _DENSENET,
        "30ee3e1110167f948a6b9946edeeb738",
        file="densenet/densenet121",
    ),
    _application(
        "densenet169",
        (349, 253),
        "torch",
        12_486_145,
        1664,
        _DENSENET_STAGES,
        _DENSENET,
        "b8c4d4c20dd625c148057b9ff1c1176b",
        file="densenet/densenet169",
    ),
    _application(
        "densenet201",
        (349, 253),
        "torch",
        18_094_849,
        1920,
        _DENSENET_STAGES,
        _DENSENET,
        "c13680b51ded0fb44dff2d8f86ac8bb1",
        file="densenet/densenet201",
    ),
    _application(
        "densenet_conv",
        (224, 224),
        "torch",
        9_313_665,
        256,
        (*_DENSENET_STAGES[:-1], "relu", "features"),
        _DENSENET,
        "30ee3e1110167f948a6b9946edeeb738",
        family="densenet_conv",
        file="densenet/densenet121",
        note="densenet121, then a 3x3 convolution to 256 channels and ReLU (a quarter of the "
        "channels, as many as the head `dense` has units); paper D leaves all of it open",
    ),
)
