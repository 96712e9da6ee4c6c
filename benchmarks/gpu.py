"""Images per second on one GPU: our networks (Keras on JAX) against PyTorch's torch.compile.

    python benchmarks/gpu.py --out gpu.json [--networks NAME ...] [--precisions ...] [--minutes M]

Inference runs the folded network; a training step is forward, backward and SGD with momentum.
Images are random, already normalised and on the GPU, so no input pipeline is timed. Each side
measures each task in a process of its own, one after the other, so that the two never share the
GPU's memory. A process also times a large matrix product; "of peak" is our FLOP/s over the faster
of the two products, and a training step counts as three forward passes.

The file is written after each measurement. The same command skips what the file already holds for
this commit, so --minutes can split a long benchmark; use one file for each GPU. --rehearse runs
everything on a CPU at the smallest sizes; its numbers are not measurements. BENCHMARK_COMMIT names
the commit outside a clone. gpu_folds.py compares ways to train several folds.
"""

import argparse
import itertools
import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "oracles")]

REHEARSAL = "REHEARSAL on a CPU: these numbers are not measurements"
BIT, BIT_SIDES = "bit_r50x1", (480, 224)
TASKS = ("inference", "train")
PRECISIONS = ("bfloat16", "float32")
CLASSES = 3
ROUNDS, SECONDS, WARM = 5, 1.0, 3
"""Timed blocks; how long one takes; steps before it that are not timed."""
MATRIX_SIDE = 8192
SMALLEST = {"inception_v3": 75, "xception": 71}
"""Smallest sides in pixels at which a rehearsal can build these networks."""


class SideError(Exception):
    """A side's process failed; the message is one line."""


def cases(networks: list[str], precisions: list[str], rehearsal: bool) -> Iterator[dict]:
    """Yield what is to be measured: network, size (height, width), batch, precision, task."""
    from covid_keras import recipes
    from covid_keras.models import registry

    for name in networks:
        bit = name == BIT
        sizes = [(side, side) for side in BIT_SIDES] if bit else [registry.get(name).input_size]
        batch = 2 if rehearsal else recipes.get("ct-bit" if bit else "ct-networks").training.batch
        for size in sizes:
            if rehearsal:
                size = [max(SMALLEST.get(name, 0), side // 6) for side in size]
            for precision, task in itertools.product(precisions, TASKS):
                case = {"network": name, "size": list(size), "batch": batch}
                yield case | {"precision": precision, "task": task, "rehearsal": rehearsal}


# One side, in a process of its own.


def measured(
    case: dict, step: Callable, matrix_product: Callable, wait: Callable, memory: Callable
) -> dict:
    """Time a step and a matrix product.

    Args:
        step: one step of the task; in training its first result is the loss.
        matrix_product: from the side of a matrix to a step that squares it.
        wait: waits for the results of a step.
        memory: returns the largest number of bytes held so far; None if that is not known.
    """
    seconds, bytes_held = timed(case, step, wait), memory()
    if case["task"] == "train" and not math.isfinite(loss := float(step()[0])):
        raise SystemExit(f"the loss is not finite: {loss}")
    side = 128 if case["rehearsal"] else MATRIX_SIDE
    peak = 2 * side**3 / min(timed(case, matrix_product(side), wait))
    return {"seconds": seconds, "memory_bytes": bytes_held, "peak": peak}


def timed(case: dict, step: Callable, wait: Callable) -> list[float]:
    """Return the seconds of one step in each timed block."""
    block(step, wait, WARM)
    steps, rounds = 1, 1
    if not case["rehearsal"]:
        steps, rounds = math.ceil(SECONDS / block(step, wait, WARM)), ROUNDS
    return [block(step, wait, steps) for _ in range(rounds)]


def block(step: Callable, wait: Callable, steps: int) -> float:
    """Return the seconds of one step out of `steps` in a row."""
    start = time.perf_counter()
    for _ in range(steps):
        result = step()
    wait(result)
    return (time.perf_counter() - start) / steps


def ours(case: dict) -> dict:
    """Measure a case with Keras on JAX."""
    from covid_keras.utils.backend import import_keras

    import_keras()
    import jax
    import keras
    import numpy as np

    from covid_keras.models.create import create_model
    from covid_keras.models.flops import TRAINING, flops
    from covid_keras.models.fold import fold
    from covid_keras.training import stacked

    platform = jax.default_backend()
    if platform != "gpu" and not case["rehearsal"]:
        raise SystemExit(f"no NVIDIA GPU found, JAX runs on {platform}; --rehearse runs on a CPU")
    keras.utils.set_random_seed(0)
    mixed = case["precision"] == "bfloat16"
    keras.config.set_dtype_policy("mixed_bfloat16" if mixed else "float32")
    shape = (*case["size"], 3)
    network = create_model(case["network"], classes=CLASSES, input_shape=shape)
    images = np.random.default_rng(0).uniform(-1, 1, (case["batch"], *shape)).astype("float32")
    data = jax.device_put((images, np.arange(case["batch"], dtype="int32") % CLASSES))
    operations = flops(network, shape) * case["batch"]
    if case["task"] == "train":
        operations *= TRAINING
        network.compile(
            keras.optimizers.SGD(0.003, momentum=0.9),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
        network.optimizer.build(network.trainable_variables)
        state = stacked.state_of(network)
        train = jax.jit(network.train_step, donate_argnums=0)

        def step():
            nonlocal state
            logs, state = train(state, data)
            return logs["loss"], state

    else:
        folded = fold(network)
        variables = folded.trainable_variables, folded.non_trainable_variables
        values = [[variable.value for variable in group] for group in variables]
        infer = jax.jit(lambda values, x: folded.stateless_call(*values, x, training=False)[0])

        def step():
            return infer(values, data[0])

    def matrix_product(side: int) -> Callable:
        matrix = jax.random.normal(jax.random.key(0), (side, side), case["precision"])
        return lambda: matrix @ matrix

    def memory() -> int | None:
        return (jax.devices()[0].memory_stats() or {}).get("peak_bytes_in_use")

    about = {"device": jax.devices()[0].device_kind, "jax": jax.__version__, "flops": operations}
    return about | measured(case, step, matrix_product, jax.block_until_ready, memory)


def peers(case: dict) -> dict:
    """Measure a case with torch.compile: channels_last, autocast or tf32, default mode."""
    import torch
    from peer_models import network

    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu" and not case["rehearsal"]:
        raise SystemExit("PyTorch finds no GPU")
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.allow_tf32 = torch.backends.cudnn.benchmark = True
    torch.manual_seed(0)
    model = network(case["network"]).to(device, memory_format=torch.channels_last)
    model.train(case["task"] == "train")
    # A rehearsal leaves out code generation, which takes minutes on a small CPU.
    compiled = torch.compile(model, backend="aot_eager" if case["rehearsal"] else "inductor")
    images = torch.rand(case["batch"], 3, *case["size"], device=device) * 2 - 1
    images = images.to(memory_format=torch.channels_last)
    labels = torch.arange(case["batch"], device=device) % CLASSES
    optimizer = torch.optim.SGD(model.parameters(), 0.003, momentum=0.9, fused=device == "cuda")
    autocast = torch.autocast(device, torch.bfloat16, enabled=case["precision"] == "bfloat16")

    def infer():
        with torch.inference_mode(), autocast:
            return compiled(images)

    def train():
        optimizer.zero_grad()
        with autocast:
            loss = torch.nn.functional.cross_entropy(compiled(images), labels)
        loss.backward()
        optimizer.step()
        return (loss.detach(),)

    def wait(_) -> None:
        if device == "cuda":
            torch.cuda.synchronize()

    def matrix_product(side: int) -> Callable:
        dtype = getattr(torch, case["precision"])
        matrix = torch.randn(side, side, device=device, dtype=dtype)
        return lambda: matrix @ matrix

    def memory() -> int | None:
        return torch.cuda.max_memory_allocated() if device == "cuda" else None

    step = train if case["task"] == "train" else infer
    return {"torch": torch.__version__} | measured(case, step, matrix_product, wait, memory)


# The parent process.


def ask(side: str, python: str, case: dict) -> dict:
    """Run one side on a case. Raises SideError if its process fails."""
    environment = {"KERAS_BACKEND": "jax", "TF_CPP_MIN_LOG_LEVEL": "3"}
    if case["rehearsal"]:
        environment |= {"JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""}
        environment["XLA_FLAGS"] = "--xla_backend_optimization_level=0"
    command = [python, __file__, "--side", side, json.dumps(case)]
    result = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | environment, check=False
    )
    if result.returncode:
        lines = result.stderr.strip().splitlines() or [f"exit status {result.returncode}"]
        raise SideError(lines[-1][:300])
    return json.loads(result.stdout.splitlines()[-1])


def missing_packages(python: str) -> str:
    """Return what the peer's Python lacks, or why it does not run; "" if nothing."""
    code = "from importlib.util import find_spec as f; print(*[n for n in {} if not f(n)])"
    command = [python, "-c", code.format(("torch", "torchvision", "timm"))]
    try:
        return ", ".join(subprocess.check_output(command, text=True).split())
    except (OSError, subprocess.CalledProcessError) as error:
        return str(error)


def commit() -> str:
    """Return BENCHMARK_COMMIT, or the clone's commit, with "+changes" if it differs."""
    ask_git = ["git", "-C", str(ROOT), "describe", "--always", "--dirty=+changes"]
    told = os.environ.get("BENCHMARK_COMMIT")
    return told or subprocess.check_output(ask_git, text=True).strip()


def label(case: dict) -> str:
    size = "x".join(map(str, case["size"]))
    return f"{case['network']} {size} {case['precision']} {case['task']}"


def row(record: dict) -> dict[str, str]:
    """Return the cells of a measurement, by column."""
    case, own, peer = record["case"], record["ours"], record["peer"]
    sides = [side for side in (own, peer) if side]
    speeds = [[case["batch"] / seconds for seconds in side["seconds"]] for side in sides]
    medians = [statistics.median(values) for values in speeds]
    spreads = [f"{statistics.median(v):,.0f} [{min(v):,.0f}, {max(v):,.0f}]" for v in speeds]
    rate = own["flops"] * medians[0] / case["batch"]
    memory = [side["memory_bytes"] for side in sides]
    return {
        "network, size, precision, task": label(case),
        "batch": str(case["batch"]),
        "images/s [min, max]": spreads[0],
        "torch.compile": spreads[1] if peer else "not measured",
        "ratio": f"{medians[0] / medians[1]:.2f}" if peer else "not measured",
        "TFLOP/s": f"{rate / 1e12:.3g}",
        "of peak": f"{rate / max(side['peak'] for side in sides):.0%}",
        "peak GB, torch's": ", ".join(f"{held / 1e9:.3g}" for held in memory if held) or "n/a",
    }


def table(records: list[dict]) -> str:
    """Return the measurements as Markdown, with what they were measured on."""
    rows = [row(record) for record in records]
    lines = [list(rows[0]), ["---"] * len(rows[0]), *(list(cells.values()) for cells in rows)]
    about = {f"{r['ours']['device']}, JAX {r['ours']['jax']}" for r in records}
    about |= {f"commit {r['commit']}" for r in records}
    about |= {f"PyTorch {r['peer']['torch']}" for r in records if r["peer"]}
    about |= {REHEARSAL for r in records if r["case"]["rehearsal"]}
    return "\n".join([*sorted(about), "", *(f"| {' | '.join(cells)} |" for cells in lines)])


def benchmark(arguments: argparse.Namespace) -> None:
    """Measure what the file does not hold yet, and print the table."""
    from covid_keras.utils.files import read_json, write_json

    limit = time.monotonic() + 60 * arguments.minutes
    peer_python = arguments.peer_python
    if lacking := missing_packages(peer_python):
        print(f"{peer_python} lacks {lacking}: only our side is measured")
        peer_python = None
    records = read_json(arguments.out) if arguments.out.exists() else []
    known = [record["case"] for record in records if record["commit"] == commit()]
    for case in cases(arguments.networks, arguments.precisions, arguments.rehearse):
        if time.monotonic() > limit:
            print(f"{arguments.minutes:g} minutes are over; repeat the command for the rest")
            break
        if case in known:
            print(f"{label(case)}: already in {arguments.out}")
            continue
        own, peer = ask("ours", sys.executable, case), None
        try:
            peer = ask("peer", peer_python, case) if peer_python else None
        except SideError as error:
            print(f"{label(case)}: torch.compile failed: {error}", file=sys.stderr)
        records.append({"case": case, "commit": commit(), "ours": own, "peer": peer})
        write_json(arguments.out, records)
        print(" | ".join(row(records[-1]).values()), flush=True)
    if records:
        print("", table(records), sep="\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("gpu.json"), metavar="FILE")
    parser.add_argument("--networks", nargs="+", default=[BIT], metavar="NAME")
    parser.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=["bfloat16"])
    parser.add_argument("--minutes", type=float, default=math.inf, help="start nothing later")
    parser.add_argument("--peer-python", default=os.environ.get("PEER_PYTHON", sys.executable))
    parser.add_argument("--rehearse", action="store_true", help="run on a CPU, measure nothing")
    parser.add_argument("--side", nargs=2, metavar=("SIDE", "CASE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        side, case = arguments.side
        print(json.dumps({"ours": ours, "peer": peers}[side](json.loads(case))))
        return 0
    from covid_keras.utils.errors import InputError

    try:
        benchmark(arguments)
    except (InputError, SideError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
