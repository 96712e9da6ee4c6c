"""The same networks in PyTorch, timed on request: the other side of bench_models.py.

Runs under a Python that has torch, torchvision and timm, and answers JSON lines on its standard
output, one for each line of its standard input:

    {"build": "resnet18", "side": 224, "batch": 8, "threads": 2}  ->  {"built": "resnet18"}
    {"time": "forward", "times": 3}                               ->  {"seconds": 0.41}

Eager, channels_last, float32. "forward": evaluation mode without gradients; "training": SGD with
momentum, softmax cross-entropy. Seconds are for one of so many calls in a row.
"""

import json
import sys
import time
from collections.abc import Callable

import torch
from pytorch import timm, torchvision

CLASSES = 3
TORCHVISION = {
    "squeezenet": "squeezenet1_0",
    "resnext50": "resnext50_32x4d",
    "resnext101": "resnext101_32x8d",
    "densenet_conv": "densenet121",
}
"""Names that differ from ours."""


def network(name: str) -> torch.nn.Module:
    """The network with `CLASSES` outputs, random weights."""
    if name.startswith("bit_"):
        return timm.create_model(f"resnetv2_{name[5:]}_bit", num_classes=CLASSES)
    if name == "xception":
        return timm.create_model("legacy_xception", num_classes=CLASSES)
    options = {"aux_logits": False, "init_weights": True} if name == "inception_v3" else {}
    build = getattr(torchvision.models, TORCHVISION.get(name, name))
    model = build(weights=None, num_classes=CLASSES, **options)
    if name == "densenet_conv":
        model.features.extra = torch.nn.Sequential(
            torch.nn.ReLU(), torch.nn.Conv2d(1024, 256, 3, padding=1)
        )
        model.classifier = torch.nn.Linear(256, CLASSES)
    return model


def tasks(name: str, side: int, batch: int) -> dict[str, Callable[[], object]]:
    """What can be timed, each a call without arguments that ends when its result is there."""
    torch.manual_seed(0)
    model = network(name).to(memory_format=torch.channels_last)
    images = torch.rand(batch, 3, side, side).to(memory_format=torch.channels_last) * 2 - 1
    labels = torch.arange(batch) % CLASSES
    optimizer = torch.optim.SGD(model.parameters(), 0.003, momentum=0.9)

    def forward():
        model.eval()
        with torch.inference_mode():
            return model(images)

    def training():
        model.train()
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    return {"forward": forward, "training": training}


def seconds(call: Callable[[], object], times: int) -> float:
    """Of one call, out of `times` in a row."""
    start = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - start) / times


def main() -> None:
    known: dict[str, Callable[[], object]] = {}
    for line in sys.stdin:
        request = json.loads(line)
        if "build" in request:
            torch.set_num_threads(request["threads"])
            known = {}  # before the next network takes memory
            known = tasks(request["build"], request["side"], request["batch"])
            answer = {"built": request["build"]}
        else:
            answer = {"seconds": seconds(known[request["time"]], request["times"])}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
