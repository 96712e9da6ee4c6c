"""Rows of BiT (papers A and C)."""

from covid_keras.models.network import PREPROCESSING, Network, Weights

_BIT_BUCKET = "https://storage.googleapis.com/bit_models"
_MAKE_BIT_M_C = "or make it from bit-m and CIFAR-10 with experiments/make_bit_m_c.py"
_BIT_CITATION = "Kolesnikov et al., Big Transfer (BiT), ECCV 2020, arXiv:1912.11370"
# The CIFAR-10 file is not in big_transfer's README; its PyTorch colab loads it from there.
_BIT_SOURCES = {
    "bit-s": ("BiT-S-{}", "ILSVRC-2012"),
    "bit-m": ("BiT-M-{}", "ImageNet-21k"),
    "bit-m-ilsvrc2012": ("BiT-M-{}-ILSVRC2012", "ImageNet-21k, then ILSVRC-2012 (BiT-M-S)"),
    "bit-m-cifar10": ("BiT-M-{}-CIFAR10", "ImageNet-21k, then CIFAR-10 (BiT-M-C)"),
}


def _bit(size: str, parameters: int, units: tuple[int, ...], width: int) -> Network:
    last = (f"block{block}.unit{count:02d}.add" for block, count in enumerate(units, start=1))
    return Network(
        name=f"bit_{size.lower()}",
        family="bit",
        input_size=(480, 480),
        preprocessing=PREPROCESSING["tf"],
        parameters=parameters,
        features=2048 * width,
        stages=("root_block.pool", *last),
        weights={
            name: Weights(
                address=f"{_BIT_BUCKET}/{file.format(size)}.npz",
                source=source,
                licence="Apache-2.0",
                citation=_BIT_CITATION,
                instead=_MAKE_BIT_M_C if name == "bit-m-cifar10" else "",
            )
            for name, (file, source) in _BIT_SOURCES.items()
            if name != "bit-m-cifar10" or size == "R50x1"
        },
    )


NETWORKS = (
    _bit("R50x1", 23_502_401, (3, 4, 6, 3), width=1),
    _bit("R50x3", 211_180_225, (3, 4, 6, 3), width=3),
    _bit("R101x1", 42_494_529, (3, 4, 23, 3), width=1),
    _bit("R101x3", 381_796_033, (3, 4, 23, 3), width=3),
    _bit("R152x2", 232_242_305, (3, 8, 36, 3), width=2),
    _bit("R152x4", 928_348_417, (3, 8, 36, 3), width=4),
)
