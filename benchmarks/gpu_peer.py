"""The other side of gpu.py: the same networks in PyTorch under torch.compile, in its own process.

Models are torchvision's and timm's (see peer_models.py), channels_last; bfloat16 is autocast,
float32 takes tf32; cuDNN tries its algorithms. torch.compile has its default mode, which does not
use CUDA graphs.
"""

import gc
import time

import torch
from gpu_worker import Run, Side, serve
from peer_models import CLASSES, network
from pytorch import timm, torchvision

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


class Peer(Side):
    """See `gpu_worker`; every method answers a request."""

    def device(self) -> dict:
        """What PyTorch runs on, and the versions of what it runs."""
        return {
            "name": torch.cuda.get_device_name() if DEVICE == "cuda" else "cpu",
            "cuda": torch.version.cuda,
            "torch": torch.__version__,
            "torchvision": torchvision.__version__,
            "timm": timm.__version__,
        }

    def ceilings(self, side: int, copied: int) -> dict:
        """As the other side's: see `gpu_ours.Ours.ceilings`."""
        for name in ("bfloat16", "float32"):
            a, b = torch.randn(2, side, side, device=DEVICE, dtype=getattr(torch, name))
            self.runs[name] = repeated(lambda a=a, b=b: a @ b)
        source = torch.zeros(copied // 4, device=DEVICE)
        target = torch.empty_like(source)
        self.runs["copy"] = repeated(lambda: target.copy_(source))
        return {}

    def build(self, task: str, case: dict, seed: int, rehearsal: bool) -> dict:
        """Build one of `TASKS` and run it once, which compiles."""
        torch.manual_seed(seed)
        model = network(case["network"]).to(DEVICE, memory_format=torch.channels_last)
        # The rehearsal leaves out the last stage, which takes minutes on a small CPU.
        compiled = torch.compile(model, backend="aot_eager" if rehearsal else "inductor")
        size = (case["batch"], 3, case["height"], case["width"])
        images = (torch.rand(size) * 2 - 1).to(DEVICE, memory_format=torch.channels_last)
        mixed = case["precision"] == "bfloat16"
        call = TASKS[task](model, compiled, images, mixed)
        self.runs[task] = repeated(self.keeping_loss(call))
        start = time.perf_counter()
        self.runs[task](1)
        seconds = time.perf_counter() - start
        if DEVICE == "cuda":
            torch.cuda.empty_cache()  # gives back what cuDNN's trials took
            torch.cuda.reset_peak_memory_stats()
        return {"compile_seconds": seconds}

    def forget(self) -> dict:
        """Drops what ran before, and gives its memory back to the GPU."""
        self.runs.clear()
        torch.compiler.reset()
        gc.collect()
        if DEVICE == "cuda":
            torch.cuda.empty_cache()
        return {}

    def keeping_loss(self, call):
        """`call`, whose result is kept: the loss of the last step, or None."""

        def kept() -> None:
            self.loss = call()

        return kept

    def memory(self) -> dict:
        """Most bytes that tensors took at once in the timed steps (null on a CPU); and the loss."""
        peak = torch.cuda.max_memory_allocated() if DEVICE == "cuda" else None
        return {"peak_bytes": peak, "loss": None if self.loss is None else self.loss.item()}


def inference(model: torch.nn.Module, compiled, images: torch.Tensor, mixed: bool):
    """A forward pass in evaluation mode, without gradients."""
    model.eval()

    def call() -> None:
        with torch.inference_mode(), torch.autocast(DEVICE, torch.bfloat16, enabled=mixed):
            compiled(images)

    return call


def train(model: torch.nn.Module, compiled, images: torch.Tensor, mixed: bool):
    """Forward, backward and SGD with momentum; returns the loss."""
    model.train()
    labels = torch.arange(len(images), device=DEVICE) % CLASSES
    optimizer = torch.optim.SGD(model.parameters(), 0.003, momentum=0.9, fused=DEVICE == "cuda")

    def call() -> torch.Tensor:
        optimizer.zero_grad()
        with torch.autocast(DEVICE, torch.bfloat16, enabled=mixed):
            loss = torch.nn.functional.cross_entropy(compiled(images), labels)
        loss.backward()
        optimizer.step()
        return loss.detach()

    return call


TASKS = {"inference": inference, "train": train}


def repeated(call) -> Run:
    """Runs `call` so many times, and waits for the device."""

    def run(steps: int) -> None:
        for _ in range(steps):
            call()
        if DEVICE == "cuda":
            torch.cuda.synchronize()

    return run


if __name__ == "__main__":
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    serve(Peer())
