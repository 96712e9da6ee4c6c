"""Record what PyTorch counts for the same networks, for the tests: flops.json beside this.

Written with Python 3.11, torch 2.13.0 (CPU), timm 1.0.31, torchvision 0.29.2:

    python tests/oracles/record_flops.py

`torch.utils.flop_counter` counts the forward pass of one image through the network without its
classifier, two operations for each multiplication and addition.
"""

import json
from pathlib import Path

import torch
from pytorch import timm, torchvision
from torch.utils.flop_counter import FlopCounterMode

TORCHVISION = {
    "resnet18": "resnet18",
    "resnext50": "resnext50_32x4d",
    "resnext101": "resnext101_32x8d",
    "squeezenet": "squeezenet1_0",
    "squeezenet1_1": "squeezenet1_1",
    "shufflenet_v2_x0_5": "shufflenet_v2_x0_5",
    "shufflenet_v2_x1_0": "shufflenet_v2_x1_0",
    "densenet121": "densenet121",
    "densenet169": "densenet169",
    "densenet201": "densenet201",
    "inception_v3": "inception_v3",
}
BIT = ("r50x1", "r50x3", "r101x1", "r101x3", "r152x2", "r152x4")
SIZES = ((224, 224), (135, 97))


def features(name: str) -> torch.nn.Module:
    """The network up to its last feature map, or what pooling makes of it."""
    if name in BIT:
        return timm.create_model(f"resnetv2_{name[1:]}_bit", num_classes=0)
    options = {"aux_logits": False, "init_weights": False} if name == "inception_v3" else {}
    model = getattr(torchvision.models, TORCHVISION[name])(weights=None, **options)
    if name.startswith(("squeezenet", "densenet")):
        return model.features
    model.fc = torch.nn.Identity()
    return model


def main() -> None:
    counts = {}
    for name in (*TORCHVISION, *BIT):
        with torch.device("meta"):
            model = features(name).eval()
            row = f"bit_{name}" if name in BIT else name
            for height, width in SIZES:
                with FlopCounterMode(display=False) as counter:
                    model(torch.empty(1, 3, height, width))
                counts[f"{row} {height}x{width}"] = counter.get_total_flops()
        print(row, counts[f"{row} 224x224"] / 2e9)
    Path(__file__).with_name("flops.json").write_text(json.dumps(counts, indent=1) + "\n")


if __name__ == "__main__":
    main()
