"""Record what timm's BiT gives, as numbers that the tests compare against: bit.npz beside this.

Written with Python 3.11, torch 2.13.0 (CPU), timm 1.0.31, torchvision 0.29.2, numpy 2.4.6:

    python tests/oracles/record_bit.py

For R50x1: the feature map after the last activation at every image size, every 16th channel,
NHWC, and the gradient of the sum of all features with respect to the root kernel, HWIO. For
R101x1: the feature map of the whole network ("deep"). For R101x1 and every wider one: the feature
map of a network with fewer units (`bit_weights.REDUCED`) and timm's own width, 128 channels of it.
For each: the number of parameters with one output.

The network runs in float64, because in float32 timm's own rounding on these weights is 1.4e-4 of
the largest feature at 224 x 224, and 1.3e-2 of the largest gradient.
"""

import tempfile
from pathlib import Path

import bit_weights
import numpy as np
import torch
from pytorch import timm

SIZES = ((64, 64), (97, 75), (65, 129), (224, 224))
REDUCED_SIZES = ((64, 64), (97, 75))
GRADIENT_SIZE = (64, 64)
NETWORKS = ("50x1", "50x3", "101x1", "101x3", "152x2", "152x4")
DEEP = (3, 4, 23, 3)


def main() -> None:
    recorded = {}
    model = with_weights(bit_weights.UNITS, 1)
    for size in SIZES:
        recorded[f"features_{size[0]}x{size[1]}"] = features(model, size, 16)
    model.forward_features(batch(GRADIENT_SIZE)).sum().backward()
    gradient = model.stem.conv.weight.grad.permute(2, 3, 1, 0).numpy()
    recorded["root_gradient"] = gradient[..., ::4].astype(np.float32)
    recorded["deep_97x75"] = features(with_weights(DEEP, 1), (97, 75), 16)
    for network in NETWORKS:
        name = f"bit_r{network}"
        with torch.device("meta"):
            full = timm.create_model(f"resnetv2_{network}_bit", num_classes=1)
        count = sum(parameter.numel() for parameter in full.parameters())
        recorded[f"parameters_{name}"] = np.int64(count)
        print(name, count, flush=True)
        if name in bit_weights.REDUCED:
            width = full.num_features // 2048
            model = with_weights(bit_weights.REDUCED[name], width)
            for size in REDUCED_SIZES:
                place = f"{name}_{size[0]}x{size[1]}"
                recorded[place] = features(model, size, 16 * width)
    np.savez_compressed(Path(__file__).with_name("bit.npz"), **recorded)


def with_weights(units: tuple[int, ...], width: int) -> torch.nn.Module:
    """timm's network in float64 with the weights of `bit_weights`."""
    model = timm.models.resnetv2._create_resnetv2_bit(  # what timm's entries call
        "resnetv2_50x1_bit", layers=list(units), width_factor=width, num_classes=0
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bit.npz"
        bit_weights.write(path, units, width)
        model.load_pretrained(str(path))
    return model.eval().double()


def batch(size: tuple[int, int]) -> torch.Tensor:
    """The images as float64 NCHW."""
    return torch.from_numpy(bit_weights.images(*size)).permute(0, 3, 1, 2).double()


@torch.no_grad()
def features(model: torch.nn.Module, size: tuple[int, int], step: int) -> np.ndarray:
    """The last feature map of the images of `size`, NHWC float32, every `step`-th channel."""
    found = model.forward_features(batch(size)).permute(0, 2, 3, 1).numpy()
    return found[..., ::step].astype(np.float32)


if __name__ == "__main__":
    main()
