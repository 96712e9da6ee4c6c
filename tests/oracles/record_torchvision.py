"""Record what torchvision's networks give: torchvision.npz beside this, which tests compare to.

Written with Python 3.11, torch 2.13.0 (CPU), torchvision 0.29.2, numpy 2.4.6:

    python tests/oracles/record_torchvision.py

For every network: the names and shapes of its state dict (JSON), the number of its trainable
parameters with a linear head of one output, and for every size its last feature map, every 16th
channel, NHWC. For the SqueezeNets also the 1000 outputs of the published classifier at 97 x 75.

The networks run in float64 on the float32 weights of torchvision_weights.py.
"""

import json
from pathlib import Path

import numpy as np
import torch
import torchvision_weights
from pytorch import torchvision

NETWORKS = {
    "resnet18": torchvision.models.resnet18,
    "resnext50": torchvision.models.resnext50_32x4d,
    "resnext101": torchvision.models.resnext101_32x8d,
    "squeezenet": torchvision.models.squeezenet1_0,
    "squeezenet1_1": torchvision.models.squeezenet1_1,
    "shufflenet_v2_x0_5": torchvision.models.shufflenet_v2_x0_5,
    "shufflenet_v2_x1_0": torchvision.models.shufflenet_v2_x1_0,
}
LAST = {"resnet": "layer4", "resnext": "layer4", "squeeze": "features", "shuffle": "conv5"}
SIZES = ((64, 64), (97, 75), (65, 129))
CLASSIFIER_SIZE = (97, 75)


def load(name: str) -> torch.nn.Module:
    model = NETWORKS[name]()
    state = {
        key: torch.from_numpy(torchvision_weights.tensor(key, tuple(value.shape)))
        for key, value in model.state_dict().items()
    }
    model.load_state_dict(state)
    return model.eval().double()


def parameters(model: torch.nn.Module, features: int) -> int:
    head = ("fc.", "classifier.")
    counts = [v.numel() for key, v in model.named_parameters() if not key.startswith(head)]
    return sum(counts) + features + 1


def main() -> None:
    recorded = {}
    for name in NETWORKS:
        model = load(name)
        seen = {}
        last = next(module for start, module in LAST.items() if name.startswith(start))
        model.get_submodule(last).register_forward_hook(
            lambda module, inputs, output, seen=seen: seen.update(features=output)
        )
        for height, width in SIZES:
            x = torchvision_weights.images(height, width)
            with torch.no_grad():
                outputs = model(torch.from_numpy(x).permute(0, 3, 1, 2).double())
            features = seen["features"].permute(0, 2, 3, 1).numpy()
            recorded[f"{name}_{height}x{width}"] = features[..., ::16].astype(np.float32)
            if name.startswith("squeezenet") and (height, width) == CLASSIFIER_SIZE:
                recorded[f"{name}_outputs"] = outputs.numpy().astype(np.float32)
            among = features.std(axis=(0, 1, 2)).mean() / features.std()
            print(name, features.shape, f"max {features.max():.3g}, varies by {among:.2f}")
        shapes = {key: list(value.shape) for key, value in model.state_dict().items()}
        recorded[f"{name}_shapes"] = np.frombuffer(json.dumps(shapes).encode(), np.uint8)
        recorded[f"{name}_parameters"] = np.int64(parameters(model, features.shape[-1]))
    np.savez_compressed(Path(__file__).with_name("torchvision.npz"), **recorded)


if __name__ == "__main__":
    main()
