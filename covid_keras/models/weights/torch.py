"""PyTorch's weights files: .safetensors, and .pth if PyTorch is installed."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from covid_keras.utils.errors import InputError
from covid_keras.utils.optional import need

FLOATS = ("float32", "float64", "float16", "bfloat16")
"""Accepted types of tensors; all become float32."""


def read_safetensors(path: Path, wanted: Callable[[str], bool]) -> dict[str, np.ndarray]:
    """Read {name: float32 tensor} from a .safetensors file, for the wanted names.

    Raises:
        ValueError: damaged or half-written. (The format has no checksum for its numbers.)
        InputError: a wanted tensor is not of `FLOATS`.
    """
    try:
        with safe_open(path, "np") as file:
            names = filter(wanted, file.keys())
            return {name: _float32(path, name, file.get_tensor(name)) for name in names}
    except SafetensorError as error:
        raise ValueError(str(error)) from error


def read_pth(path: Path, wanted: Callable[[str], bool]) -> dict[str, np.ndarray]:
    """Read {name: float32 tensor} from a state dict saved by torch.save, for the wanted names.

    Only tensors are unpickled (weights_only), so that no code in the file runs.

    Raises:
        ValueError: damaged or half-written.
        InputError: PyTorch is not installed; the file holds anything but tensors by name; a
            wanted tensor is not of `FLOATS`.
    """
    check_torch(str(path))
    import pickle

    import torch

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise InputError(
            f"{path}: expected a complete PyTorch file of named tensors only; "
            "it is damaged, or holds code or objects, and was not loaded"
        ) from error
    except RuntimeError as error:  # from torch's zip reader
        raise ValueError(str(error)) from error
    if not isinstance(state, Mapping) or not all(isinstance(name, str) for name in state):
        raise InputError(
            f"{path}: expected a state dict (names to tensors). Received: {type(state).__name__}"
        )
    return {name: _float32(path, name, state[name]) for name in filter(wanted, state)}


def check_torch(file: str) -> None:
    """Raise InputError, which begins with `file`, if PyTorch is not installed."""
    need("torch", file, "", "convert it to .safetensors on a machine that has PyTorch")


def _float32(path: Path, name: str, tensor) -> np.ndarray:
    """Return an array of NumPy or PyTorch as float32."""
    kind = str(getattr(tensor, "dtype", type(tensor).__name__)).removeprefix("torch.")
    if kind not in FLOATS:
        raise InputError(
            f"{path}: {name}: expected a tensor of {', '.join(FLOATS)}. Received: {kind}"
        )
    if isinstance(tensor, np.ndarray):
        return tensor.astype(np.float32)
    return tensor.detach().float().numpy()
