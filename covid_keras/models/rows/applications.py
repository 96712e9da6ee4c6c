"""Rows of the networks that keras.applications has (papers B and D)."""

from covid_keras.models.network import PREPROCESSING, Network, Weights

_KERAS_BUCKET = "https://storage.googleapis.com/tensorflow/keras-applications"
_DENSENET_STAGES = ("pool1", "pool2_pool", "pool3_pool", "pool4_pool", "features")


def _imagenet(file: str, citation: str, checksum: str) -> dict[str, Weights]:
    """`checksum` is the MD5 that Keras gives."""
    imagenet = Weights(
        address=f"{_KERAS_BUCKET}/{file}_weights_tf_dim_ordering_tf_kernels_notop.h5",
        source="ILSVRC-2012",
        licence="MIT",
        citation=citation,
        checksum=f"md5:{checksum}",
    )
    return {"imagenet": imagenet}


_RESNET = "He et al., Deep Residual Learning for Image Recognition, CVPR 2016, arXiv:1512.03385"
_INCEPTION = "Szegedy et al., Rethinking the Inception Architecture, CVPR 2016, arXiv:1512.00567"
_XCEPTION = "Chollet, Xception, CVPR 2017, arXiv:1610.02357"
_DENSENET = "Huang et al., Densely Connected Convolutional Networks, CVPR 2017, arXiv:1608.06993"
_BIASES = "Keras' convolutions have biases ({:,} more than the paper's), stride on the first 1x1"

NETWORKS = (
    Network(
        name="resnet50",
        family="applications",
        input_size=(253, 349),
        preprocessing=PREPROCESSING["caffe"],
        parameters=23_536_641,
        features=2048,
        stages=(
            "pool1_pool",
            "conv2_block3_out",
            "conv3_block4_out",
            "conv4_block6_out",
            "features",
        ),
        weights=_imagenet("resnet/resnet50", _RESNET, "4d473c1dd8becc155b73f8504c6f6626"),
        note=_BIASES.format(26_560),
    ),
    Network(
        name="resnet101",
        family="applications",
        input_size=(253, 349),
        preprocessing=PREPROCESSING["caffe"],
        parameters=42_554_881,
        features=2048,
        stages=(
            "pool1_pool",
            "conv2_block3_out",
            "conv3_block4_out",
            "conv4_block23_out",
            "features",
        ),
        weights=_imagenet("resnet/resnet101", _RESNET, "88cf7a10940856eca736dc7b7e228a21"),
        note=_BIASES.format(52_672),
    ),
    Network(
        name="inception_v3",
        family="applications",
        input_size=(267, 331),
        preprocessing=PREPROCESSING["tf"],
        parameters=21_770_401,
        features=2048,
        stages=("max_pooling2d_1", "mixed2", "mixed7", "features"),
        weights=_imagenet(
            "inception_v3/inception_v3", _INCEPTION, "bcbd6486424b2319ff4ef7d526e38f63"
        ),
        note="Keras' batch norm has no scale here (17,216 fewer than the paper's)",
    ),
    Network(
        name="xception",
        family="applications",
        input_size=(231, 327),
        preprocessing=PREPROCESSING["tf"],
        parameters=20_809_001,
        features=2048,
        stages=("block1_conv2_act", "add_2", "add_10", "features"),
        weights=_imagenet("xception/xception", _XCEPTION, "b0042744bf5b25fce3cb969f33bebb97"),
    ),
    Network(
        name="densenet121",
        family="applications",
        input_size=(253, 349),
        preprocessing=PREPROCESSING["torch"],
        parameters=6_954_881,
        features=1024,
        stages=_DENSENET_STAGES,
        weights=_imagenet("densenet/densenet121", _DENSENET, "30ee3e1110167f948a6b9946edeeb738"),
    ),
    Network(
        name="densenet169",
        family="applications",
        input_size=(253, 349),
        preprocessing=PREPROCESSING["torch"],
        parameters=12_486_145,
        features=1664,
        stages=_DENSENET_STAGES,
        weights=_imagenet("densenet/densenet169", _DENSENET, "b8c4d4c20dd625c148057b9ff1c1176b"),
    ),
    Network(
        name="densenet201",
        family="applications",
        input_size=(253, 349),
        preprocessing=PREPROCESSING["torch"],
        parameters=18_094_849,
        features=1920,
        stages=_DENSENET_STAGES,
        weights=_imagenet("densenet/densenet201", _DENSENET, "c13680b51ded0fb44dff2d8f86ac8bb1"),
    ),
    Network(
        name="densenet_conv",
        family="densenet_conv",
        input_size=(224, 224),
        preprocessing=PREPROCESSING["torch"],
        parameters=9_313_665,
        features=256,
        stages=(*_DENSENET_STAGES[:-1], "relu", "features"),
        weights=_imagenet("densenet/densenet121", _DENSENET, "30ee3e1110167f948a6b9946edeeb738"),
        note="densenet121, then a 3x3 convolution to 256 channels and ReLU (a quarter of the "
        "channels, as many as the head `dense` has units); paper D leaves all of it open",
    ),
)
