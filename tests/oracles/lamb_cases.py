"""Variables, gradients and settings that both sides of the comparison of LAMB use."""

import numpy as np

RATE = 3e-4
STEPS = 5
CASES = {
    "decay_1": {"weight_decay": 1.0},
    "decay_0.1": {"weight_decay": 0.1},
    "decay_0": {"weight_decay": 0.0},
    "excluded": {"weight_decay": 1.0, "exclude_from_weight_decay": ["gamma", "beta", "bias"]},
    "excluded_apart": {
        "weight_decay": 1.0,
        "exclude_from_weight_decay": ["bias"],
        "exclude_from_layer_adaptation": ["gamma"],
    },
    "betas": {"weight_decay": 0.1, "beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-3},
}


def variables() -> dict[str, np.ndarray]:
    """First values by path, float32; one kernel and the bias are zeros."""
    rng = np.random.default_rng(0)
    return {
        "conv/kernel": rng.normal(0, 0.1, (3, 3, 4, 5)).astype(np.float32),
        "norm/gamma": np.ones(5, np.float32),
        "norm/beta": rng.normal(0, 0.1, 5).astype(np.float32),
        "head/kernel": np.zeros((5, 2), np.float32),
        "head/bias": np.zeros(2, np.float32),
    }


def gradients(step: int) -> list[np.ndarray]:
    """Gradients of one step, of very different sizes; the second one of `head/bias` is zero."""
    rng = np.random.default_rng(step + 1)
    scales = (1e-3, 1.0, 1e-1, 10.0, 0.0 if step == 1 else 1e-2)
    return [
        (scale * rng.normal(size=value.shape)).astype(np.float32)
        for scale, value in zip(scales, variables().values(), strict=True)
    ]
