"""Record what timm's BiT gives, as numbers that the tests compare against: bit.npz beside this.

Written with Python 3.11, torch 2.13.0 (CPU), timm 1.0.31, torchvision 0.29.2, numpy 2.4.6:

    python tests/oracles/record_bit.py

For every size: the feature map after the last activation, every 16th channel, NHWC. For one
size: the gradient of the sum of all features with respect to the root kernel, HWIO. The number
of parameters of each network of the family with one output.

The network runs in float64, because in float32 timm's own rounding on these weights is 1.4e-4 of
the largest feature at 224 x 224, and 1.3e-2 of the largest gradient.
"""

import tempfile
from pathlib import Path

import bit_weights
import numpy as np
import torch

_schemas = torch.library.Library("torchvision", "DEF")
for _name in ("nms", "qnms"):
    _schemas.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

import timm  # noqa: E402  torchvision without its compiled part needs the schemas first

SIZES = ((64, 64), (97, 75), (65, 129), (224, 224))
GRADIENT_SIZE = (64, 64)
NETWORKS = ("50x1", "50x3", "101x1", "101x3", "152x2", "152x4")


def main() -> None:
    recorded = {}
    model = timm.create_model("resnetv2_50x1_bit", num_classes=0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bit.npz"
        bit_weights.write(path)
        model.load_pretrained(str(path))
    model.eval().double()
    for height, width in SIZES:
        x = torch.from_numpy(bit_weights.images(height, width)).permute(0, 3, 1, 2).double()
        with torch.no_grad():
            features = model.forward_features(x).permute(0, 2, 3, 1).numpy()
        recorded[f"features_{height}x{width}"] = features[..., ::16].astype(np.float32)
    x = torch.from_numpy(bit_weights.images(*GRADIENT_SIZE)).permute(0, 3, 1, 2).double()
    model.forward_features(x).sum().backward()
    gradient = model.stem.conv.weight.grad.permute(2, 3, 1, 0).numpy()
    recorded["root_gradient"] = gradient[..., ::4].astype(np.float32)
    for name in NETWORKS:
        with torch.device("meta"):
            network = timm.create_model(f"resnetv2_{name}_bit", num_classes=1)
        count = sum(parameter.numel() for parameter in network.parameters())
        recorded[f"parameters_bit_r{name}"] = np.int64(count)
        print(name, count)
    np.savez_compressed(Path(__file__).with_name("bit.npz"), **recorded)


if __name__ == "__main__":
    main()
