"""Record what torchvision's densenet121 gives: densenet.npz beside this, which tests compare to.

Written with Python 3.11, torch 2.13.0 (CPU), torchvision 0.29.2, numpy 2.4.6:

    python tests/oracles/record_densenet.py

For every size the feature map after the last batch norm and ReLU, every 16th channel, NHWC; the
1000 outputs of the classifier at the first size; the names and shapes of the state dict (JSON).

The network runs in float64 on the float32 weights of torchvision_weights.py, in which no running
mean is 0 and no running variance 1.
"""

import json
from pathlib import Path

import numpy as np
import torch
import torchvision_weights
from pytorch import torchvision

SIZES = ((64, 64), (97, 75), (161, 203))


def main() -> None:
    model = torchvision.models.densenet121()
    shapes = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    model.load_state_dict(
        {
            name: torch.from_numpy(torchvision_weights.tensor(name, shape))
            for name, shape in shapes.items()
        }
    )
    model.eval().double()
    recorded = {"shapes": np.frombuffer(json.dumps(shapes).encode(), np.uint8)}
    for height, width in SIZES:
        x = torch.from_numpy(torchvision_weights.images(height, width)).permute(0, 3, 1, 2)
        with torch.no_grad():
            features = torch.relu(model.features(x.double()))
            outputs = model(x.double())
        features = features.permute(0, 2, 3, 1).numpy()
        recorded[f"{height}x{width}"] = features[..., ::16].astype(np.float32)
        if (height, width) == SIZES[0]:
            recorded["outputs"] = outputs.numpy().astype(np.float32)
        among = features.std(axis=(0, 1, 2)).mean() / features.std()
        print(features.shape, f"max {features.max():.3g}, varies by {among:.2f}")
    np.savez_compressed(Path(__file__).with_name("densenet.npz"), **recorded)


if __name__ == "__main__":
    main()
