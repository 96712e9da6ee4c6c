"""Where a traced step spends its time, by kind of kernel."""

import re
from collections import Counter
from pathlib import Path

KINDS = {
    "changes of layout": re.compile(r"nchwtonhwc|nhwctonchw|transpose"),
    "convolutions and matrix products": re.compile(
        r"gemm|xmma|cudnn|cutlass|wgmma|[fdw]prop|[dw]grad|winograd|nvjet|cublas|convolution|conv2d"
        r"|ynn_fusion"
    ),
    "copies": re.compile(r"memcpy|memset|copy"),
    "reductions": re.compile(r"reduce"),
    "other fusions": re.compile(r"fusion|loop_|wrapped_"),
}
"""The first pattern that a kernel's name contains, in lower case, says its kind."""


def kind(kernel: str) -> str:
    """One of `KINDS`, or "other"."""
    name = kernel.lower()
    return next((kind for kind, pattern in KINDS.items() if pattern.search(name)), "other")


def summary(folder: str, steps: int) -> dict:
    """{"kernels": {kind: milliseconds a step}}, and kernels.txt in `folder`, the longest first."""
    import jax

    if not hasattr(jax.profiler, "ProfileData"):
        return {"kernels": None, "note": "this version of JAX cannot read its traces back"}
    seconds = kernel_seconds(max(Path(folder).rglob("*.xplane.pb")))
    lines = [f"{1e3 * s / steps:10.4f} ms  {kind(name)}: {name}" for name, s in longest(seconds)]
    (Path(folder) / "kernels.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    kinds = Counter()
    for name, spent in seconds.items():
        kinds[kind(name)] += 1e3 * spent / steps
    return {"kernels": dict(kinds.most_common())}


def longest(seconds: dict[str, float]) -> list[tuple[str, float]]:
    """By falling time."""
    return sorted(seconds.items(), key=lambda item: -item[1])


def kernel_seconds(trace: Path) -> Counter:
    """Seconds by kernel: of a GPU's streams; without a GPU, of the operations on the CPU."""
    import jax

    data = jax.profiler.ProfileData.from_file(str(trace))
    planes = list(data.planes)
    gpus = [plane for plane in planes if plane.name.startswith("/device:GPU")]
    seconds = Counter()
    for plane in gpus or planes:
        for line in plane.lines:
            for event in line.events:
                if line.name.startswith("Stream") if gpus else _is_operation(event):
                    seconds[event.name] += event.duration_ns / 1e9
    return seconds


def _is_operation(event) -> bool:
    return any(name == "hlo_op" for name, _ in event.stats)
