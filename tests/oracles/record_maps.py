"""Record what Quantus and pytorch-grad-cam say of maps: maps.npz beside this.

Written with Python 3.11, torch 1.13.0, quantus 0.5.3, grad-cam 1.5.0, scikit-image 0.26.0, scipy
1.17.1, numpy 1.26.4, in an environment of their own:

    python tests/oracles/record_maps.py

Of `images`, `maps` and `regions` (4, 16, 20), and a network of one dense layer, `weights` (320, 3)
to softmax, asked for `classes` (4,):

- Quantus: `pointing` and `mass` (4,), `deletion` (4, 20), the probability after each step of
  PixelFlipping, 16 pixels each, put at the mean of the image; `ssim` and `spearman` (4,) of `maps`
  and `others`;
- pytorch-grad-cam: `morf` and `lerf` (9, 4), the probabilities after ROAD has removed the most or
  the least relevant 90, 80 ... 10 % of the pixels, without noise; `imputed` (16, 20), the first
  image without the most relevant half.
"""

from pathlib import Path

import numpy as np
import quantus
import torch
from pytorch_grad_cam.metrics.perturbation_confidence import (
    PerturbationConfidenceMetric,
    RemoveLeastRelevantFirst,
    RemoveMostRelevantFirst,
)
from pytorch_grad_cam.metrics.road import NoisyLinearImputer
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from quantus.functions.similarity_func import correlation_spearman, ssim
from scipy.ndimage import gaussian_filter

SHAPE = (16, 20)
STEP = 16
QUIET = {"disable_warnings": True, "display_progressbar": False}


def network(weights: np.ndarray) -> torch.nn.Module:
    dense = torch.nn.Linear(*weights.shape, bias=False)
    dense.weight.data = torch.from_numpy(weights.T.copy())
    return torch.nn.Sequential(torch.nn.Flatten(), dense, torch.nn.Softmax(dim=1)).eval()


def main() -> None:
    rng = np.random.default_rng(0)
    images = gaussian_filter(rng.normal(size=(4, *SHAPE)), (0, 2, 2)) * 3
    images = np.clip(images + 0.5, 0, 1).astype(np.float32)
    heat = gaussian_filter(rng.normal(size=(4, *SHAPE)), (0, 2, 2))
    heat -= heat.min(axis=(1, 2), keepdims=True)
    maps = (heat / heat.max(axis=(1, 2), keepdims=True)).astype(np.float32)
    others = np.clip(maps + rng.normal(scale=0.2, size=maps.shape), 0, 1).astype(np.float32)
    regions = gaussian_filter(rng.normal(size=(4, *SHAPE)), (0, 2, 2)) > 0.05
    regions[0] |= maps[0] > 0.9  # a hit
    weights = rng.normal(scale=0.1, size=(images[0].size, 3)).astype(np.float32)
    classes = np.array([0, 1, 2, 0])
    model, x = network(weights), torch.from_numpy(images[:, None])
    batch = {"x_batch": images[:, None], "y_batch": classes, "a_batch": maps[:, None]}
    segments = batch | {"s_batch": regions[:, None]}
    plain = {"abs": False, "normalise": False} | QUIET
    deletion = [
        quantus.PixelFlipping(
            features_in_step=STEP, perturb_baseline=float(images[i].mean()), **plain
        )(model=model, softmax=True, **{key: value[i : i + 1] for key, value in batch.items()})[0]
        for i in range(4)
    ]
    targets = [ClassifierOutputTarget(int(k)) for k in classes]
    imputer = NoisyLinearImputer(noise=0)

    def road(remove: type) -> np.ndarray:
        each = [
            PerturbationConfidenceMetric(remove(percentile, imputer))(
                x, maps, targets, model, return_diff=False
            )
            for percentile in range(10, 100, 10)
        ]
        return np.array(each)

    recorded = {
        "images": images,
        "maps": maps,
        "others": others,
        "regions": regions,
        "weights": weights,
        "classes": classes,
        "pointing": np.array(
            quantus.PointingGame(**plain)(model=None, **segments), dtype=np.float64
        ),
        "mass": np.array(quantus.RelevanceMassAccuracy(**plain)(model=None, **segments)),
        "deletion": np.array(deletion),
        "ssim": np.array([ssim(a, b) for a, b in zip(maps, others, strict=True)]),
        "spearman": np.array(
            [correlation_spearman(a.ravel(), b.ravel()) for a, b in zip(maps, others, strict=True)]
        ),
        "morf": road(RemoveMostRelevantFirst),
        "lerf": road(RemoveLeastRelevantFirst),
        "imputed": RemoveMostRelevantFirst(50, imputer)(x[0], torch.from_numpy(maps[0]))[0].numpy(),
    }
    np.savez_compressed(Path(__file__).with_name("maps.npz"), **recorded)
    for name in ("pointing", "mass", "deletion", "ssim", "spearman", "morf", "lerf"):
        print(name, recorded[name].shape, recorded[name].ravel()[:4])


if __name__ == "__main__":
    main()
