"""PyTorch's weights files: .safetensors, and .pth if PyTorch is installed."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from covid_keras.utils.errors import InputError
from covid_keras.utils.optional import need

FLOATS = ("float32", "float64", "float16", "bfloat16")
"""Accepted types of tensors; all become float32."""


def read_safetensors(path: Path, wanted: Callable[[str], bool]) -> Mapping[str, np.ndarray]:
    """Read {name: float32 tensor} from a .safetensors file, for the wanted names.

    Raises:
        ValueError: damaged or half-written. (The format has no checksum for its numbers.)
        InputError: a wanted tensor is not of `FLOATS`.
    """
    try:
        with safe_open(path, "np") as file:
            names = file.keys()
            return {name: _tensor(path, file, name) for name in names if wanted(name)}
    except SafetensorError as error:
        raise ValueError(str(error)) from error


def read_pth(path: Path, wanted: Callable[[str], bool]) -> Mapping[str, np.ndarray]:
    """Read {name: float32 tensor} from a state dict saved by torch.save, for the wanted names.

    Only tensors are unpickled (weights_only), so that no code in the file runs.

    Raises:
        ValueError: damaged or half-written.
        InputError: anything but tensors by name; a wanted tensor is not of `FLOATS`.
    """
    state = _state_dict(path)
    if not isinstance(state, Mapping) or not all(isinstance(name, str) for name in state):
        raise InputError(
            f"{path}: expected a state dict (names to tensors). Received: {type(state).__name__}"
        )
    return {name: _from_torch(path, name, state[name]) for name in state if wanted(name)}


def check_torch(file: str) -> None:
    """Raise InputError, which begins with `file`, if PyTorch is not installed."""
    need("torch", file, "", "convert it to .safetensors on a machine that has PyTorch")


def _state_dict(path: Path):
    import pickle

    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise InputError(
            f"{path}: expected a complete PyTorch file of named tensors only; "
            "it is damaged, or holds code or objects, and was not loaded"
        ) from error
    except RuntimeError as error:  # from torch's zip reader
        raise ValueError(str(error)) from error


def _tensor(path: Path, file, name: str) -> np.ndarray:
    kind = file.get_slice(name).get_dtype()
    if kind not in ("F32", "F64", "F16", "BF16"):
        raise _not_a_float(path, name, kind)
    return file.get_tensor(name).astype(np.float32)


def _from_torch(path: Path, name: str, tensor) -> np.ndarray:
    kind = str(getattr(tensor, "dtype", type(tensor).__name__)).removeprefix("torch.")
    if kind not in FLOATS:
        raise _not_a_float(path, name, kind)
    return tensor.detach().float().numpy()


def _not_a_float(path: Path, name: str, kind: str) -> InputError:
    return InputError(f"{path}: {name}: expected a tensor of {', '.join(FLOATS)}. Received: {kind}")
