"""timm and torchvision, also where torchvision's compiled operators do not load.

They do not beside a PyTorch that torchvision was not built for (CPU and CUDA builds mixed), and
then its import fails unless the operators' schemas exist. No network here uses them.
"""

import importlib

import torch

try:
    torchvision = importlib.import_module("torchvision")
except RuntimeError:
    _schemas = torch.library.Library("torchvision", "DEF")
    for _name in ("nms", "qnms"):
        _schemas.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    torchvision = importlib.import_module("torchvision")
try:
    timm = importlib.import_module("timm")
except ModuleNotFoundError:  # only BiT and Xception are timm's
    timm = None
